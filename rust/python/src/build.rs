//! A build cache's records as tuples in the order of `engine/buildcache.py`.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use fastverify_core::buildcache::{
    ActionEntry, BuildAnswer, BuildJob, EntryOf, Hazard, Id, Imports, MissingImport, OutputMeasurement,
    Stray, Survey, ToldOutput,
};
use fastverify_core::schedule::Running;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

use crate::answers::{FaultTuple, StatTuple, fault_tuple, stat_tuple, tuple};
use crate::not_started;
use crate::running::next;

type Bytes<'py> = Bound<'py, PyBytes>;
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

fn entry_tuple<'py>(py: Python<'py>, entry: &ActionEntry) -> EntryTuple<'py> {
    let parsed = &entry.parsed;
    (
        PyBytes::new(py, &entry.action),
        entry.stat.map(stat_tuple),
        entry.fault.as_ref().map(|fault| fault_tuple(py, fault)),
        parsed.form.name(),
        parsed.flaw.name(),
        PyBytes::new(py, parsed.output.as_ref().map_or(&[], |output| &output[..])),
        parsed.size,
        parsed.time,
    )
}

fn output_tuple<'py>(py: Python<'py>, measured: &OutputMeasurement) -> OutputTuple<'py> {
    (
        PyBytes::new(py, &measured.output),
        measured.stat.map(stat_tuple),
        PyBytes::new(py, &measured.file),
        measured.file_stat.map(stat_tuple),
        measured.fault.as_ref().map(|fault| fault_tuple(py, fault)),
        measured.size,
        measured.sha256.map(|digest| PyBytes::new(py, &digest)),
        measured.kind.name(),
        PyBytes::new(py, &measured.build_id),
        tuple(py, &measured.flaws, |flaw| flaw.name()),
    )
}

fn entry_of_tuple<'py>(py: Python<'py>, of: &EntryOf) -> EntryOfTuple<'py> {
    (PyBytes::new(py, &of.action), of.size, of.time)
}

fn told_tuple<'py>(py: Python<'py>, told: &ToldOutput) -> ToldTuple<'py> {
    let entries = tuple(py, &told.entries, |of| entry_of_tuple(py, of));
    (output_tuple(py, &told.measured), entries, told.entries_total)
}

fn names_tuple<'py>(py: Python<'py>, names: &[Vec<u8>]) -> Bound<'py, PyTuple> {
    tuple(py, names, |name| PyBytes::new(py, name))
}

fn survey_tuple<'py>(py: Python<'py>, survey: &Survey) -> PyResult<Bound<'py, PyTuple>> {
    let stray = |stray: &Stray| (PyBytes::new(py, &stray.name), stray.kind.name());
    let hazard = |hazard: &Hazard| (hazard.code.name(), hazard.files, names_tuple(py, &hazard.examples));
    let first = (
        survey.shards,
        tuple(py, &survey.faults, |fault| fault_tuple(py, fault)),
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
        names_tuple(py, &survey.hollow_examples),
        tuple(py, &survey.strays, stray),
        survey.strays_total,
        tuple(py, &survey.owners, |owner| *owner),
        tuple(py, &survey.hazards, hazard),
    );
    // PyO3 makes tuples of at most twelve.
    first.into_pyobject(py)?.add(rest.into_pyobject(py)?)?.cast_into::<PyTuple>().map_err(PyErr::from)
}

fn imports_tuple<'py>(py: Python<'py>, imports: &Imports) -> ImportsTuple<'py> {
    let each = |many: &[MissingImport]| {
        tuple(py, many, |one| (PyBytes::new(py, &one.importer), PyBytes::new(py, &one.fingerprint)))
    };
    (imports.named, imports.missing, each(&imports.examples), each(&imports.altered))
}

/// The kind of an answer, and the answer.
type AnswerTuple<'py> = (&'static str, Bound<'py, PyAny>);

fn answer_tuple(py: Python<'_>, answer: BuildAnswer) -> PyResult<AnswerTuple<'_>> {
    Ok(match answer {
        BuildAnswer::Entry(entry) => ("entry", entry_tuple(py, &entry).into_pyobject(py)?.into_any()),
        BuildAnswer::Survey(survey) => ("survey", survey_tuple(py, &survey)?.into_any()),
        BuildAnswer::Told(told) => ("told", told_tuple(py, &told).into_pyobject(py)?.into_any()),
        BuildAnswer::Read { outputs, size, vanished } => {
            ("read", (outputs, size, vanished).into_pyobject(py)?.into_any())
        }
        BuildAnswer::Imports(imports) => {
            ("imports", imports_tuple(py, &imports).into_pyobject(py)?.into_any())
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
) -> (Bound<'py, PyTuple>, Bound<'py, PyTuple>) {
    let (entries, outputs) =
        py.detach(|| fastverify_core::buildcache::measure_build_files(&root, &actions, &outputs));
    (
        tuple(py, &entries, |entry| entry_tuple(py, entry)),
        tuple(py, &outputs, |measured| output_tuple(py, measured)),
    )
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
