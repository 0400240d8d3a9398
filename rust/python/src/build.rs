//! A build cache's records as tuples in the order of `engine/buildcache.py`.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use fastverify_core::buildcache::{
    ActionEntry, BuildAnswer, BuildJob, EntryOf, Hazard, Id, Imports, MissingImport, OutputMeasurement,
    Stray, Survey, ToldOutput,
};
use fastverify_core::schedule::Running;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::answers::{Bytes, FaultTuple, StatTuple, bytes, fault_tuple, optional_fault, stat_tuple, tuple};
use crate::not_started;
use crate::running::next;

type EntryTuple<'py> =
    (Bytes<'py>, Option<StatTuple>, Option<FaultTuple>, &'static str, &'static str, Bytes<'py>, u64, u64);
type OutputTuple<'py> = (
    Bytes<'py>,
    Option<StatTuple>,
    Bytes<'py>,
    Option<StatTuple>,
    Option<FaultTuple>,
    u64,
    Option<Bytes<'py>>,
    &'static str,
    Bytes<'py>,
    Bound<'py, PyTuple>,
);
type EntryOfTuple<'py> = (Bytes<'py>, u64, u64);
type ImportsTuple<'py> = (usize, usize, Bound<'py, PyTuple>, Bound<'py, PyTuple>);
type ToldTuple<'py> = (OutputTuple<'py>, Bound<'py, PyTuple>, usize);

fn entry_tuple<'py>(py: Python<'py>, entry: &ActionEntry) -> PyResult<EntryTuple<'py>> {
    let parsed = &entry.parsed;
    Ok((
        bytes(py, &entry.action)?,
        entry.stat.map(stat_tuple),
        optional_fault(py, entry.fault.as_ref())?,
        parsed.form.name(),
        parsed.flaw.name(),
        bytes(py, parsed.output.as_ref().map_or(&[], |output| &output[..]))?,
        parsed.size,
        parsed.time,
    ))
}

fn output_tuple<'py>(py: Python<'py>, measured: &OutputMeasurement) -> PyResult<OutputTuple<'py>> {
    Ok((
        bytes(py, &measured.output)?,
        measured.stat.map(stat_tuple),
        bytes(py, &measured.file)?,
        measured.file_stat.map(stat_tuple),
        optional_fault(py, measured.fault.as_ref())?,
        measured.size,
        measured.sha256.map(|digest| bytes(py, &digest)).transpose()?,
        measured.kind.name(),
        bytes(py, &measured.build_id)?,
        tuple(py, &measured.flaws, |flaw| Ok(flaw.name()))?,
    ))
}

fn entry_of_tuple<'py>(py: Python<'py>, of: &EntryOf) -> PyResult<EntryOfTuple<'py>> {
    Ok((bytes(py, &of.action)?, of.size, of.time))
}

fn told_tuple<'py>(py: Python<'py>, told: &ToldOutput) -> PyResult<ToldTuple<'py>> {
    let entries = tuple(py, &told.entries, |of| entry_of_tuple(py, of))?;
    Ok((output_tuple(py, &told.measured)?, entries, told.entries_total))
}

fn names_tuple<'py>(py: Python<'py>, names: &[Vec<u8>]) -> PyResult<Bound<'py, PyTuple>> {
    tuple(py, names, |name| bytes(py, name))
}

fn survey_tuple<'py>(py: Python<'py>, survey: &Survey) -> PyResult<Bound<'py, PyTuple>> {
    let stray = |stray: &Stray| Ok((bytes(py, &stray.name)?, stray.kind.name()));
    let hazard = |hazard: &Hazard| Ok((hazard.code.name(), hazard.files, names_tuple(py, &hazard.examples)?));
    let first = (
        survey.shards,
        tuple(py, &survey.faults, |fault| fault_tuple(py, fault))?,
        survey.actions,
        survey.outputs,
        survey.executables,
        survey.size,
        survey.dangling,
        survey.orphans,
        survey.orphan_bytes,
        survey.hollow,
    );
    let rest = (
        names_tuple(py, &survey.hollow_examples)?,
        tuple(py, &survey.strays, stray)?,
        survey.strays_total,
        tuple(py, &survey.owners, |owner| Ok(*owner))?,
        tuple(py, &survey.hazards, hazard)?,
    );
    // PyO3 makes tuples of at most twelve.
    first.into_pyobject(py)?.add(rest.into_pyobject(py)?)?.cast_into::<PyTuple>().map_err(PyErr::from)
}

fn imports_tuple<'py>(py: Python<'py>, imports: &Imports) -> PyResult<ImportsTuple<'py>> {
    let each = |many: &[MissingImport]| {
        tuple(py, many, |one| Ok((bytes(py, &one.importer)?, bytes(py, &one.fingerprint)?)))
    };
    Ok((imports.named, imports.missing, each(&imports.examples)?, each(&imports.altered)?))
}

/// The kind of an answer, and the answer.
type AnswerTuple<'py> = (&'static str, Bound<'py, PyAny>);

fn answer_tuple(py: Python<'_>, answer: BuildAnswer) -> PyResult<AnswerTuple<'_>> {
    Ok(match answer {
        BuildAnswer::Entry(entry) => ("entry", entry_tuple(py, &entry)?.into_pyobject(py)?.into_any()),
        BuildAnswer::Survey(survey) => ("survey", survey_tuple(py, &survey)?.into_any()),
        BuildAnswer::Told(told) => ("told", told_tuple(py, &told)?.into_pyobject(py)?.into_any()),
        BuildAnswer::Read { outputs, size, vanished } => {
            ("read", (outputs, size, vanished).into_pyobject(py)?.into_any())
        }
        BuildAnswer::Imports(imports) => {
            ("imports", imports_tuple(py, &imports)?.into_pyobject(py)?.into_any())
        }
    })
}

/// Measures a build cache; the answers are tuples with the word for their kind.
#[pyfunction]
pub(crate) fn measure_build_cache(
    root: PathBuf,
    now_ns: i128,
    threads: usize,
) -> PyResult<BuildMeasurements> {
    let work =
        fastverify_core::buildcache::measure_build_cache(root, now_ns, threads).map_err(not_started)?;
    Ok(BuildMeasurements { work: Mutex::new(work) })
}

/// Measures a few entries and outputs.
#[pyfunction]
pub(crate) fn measure_build_files<'py>(
    py: Python<'py>,
    root: PathBuf,
    actions: Vec<Id>,
    outputs: Vec<Id>,
) -> PyResult<(Bound<'py, PyTuple>, Bound<'py, PyTuple>)> {
    let (entries, outputs) =
        py.detach(|| fastverify_core::buildcache::measure_build_files(&root, &actions, &outputs));
    Ok((
        tuple(py, &entries, |entry| entry_tuple(py, entry))?,
        tuple(py, &outputs, |measured| output_tuple(py, measured))?,
    ))
}

/// A measurement of a build cache under way: an iterator that can be closed.
#[pyclass(frozen, module = "fastverify._native")]
pub(crate) struct BuildMeasurements {
    work: Mutex<Running<BuildJob>>,
}

#[pymethods]
impl BuildMeasurements {
    fn __iter__(this: PyRef<'_, Self>) -> PyRef<'_, Self> {
        this
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<AnswerTuple<'py>>> {
        // A signal that came while the last answer was used, and many that come fast.
        py.check_signals()?;
        next(py, &self.work)?.map(|answer| answer_tuple(py, answer)).transpose()
    }

    /// Stops the work and waits until nothing is read any more.
    fn close(&self, py: Python<'_>) {
        py.detach(|| self.work.lock().unwrap_or_else(PoisonError::into_inner).close());
    }
}
