//! `fastverify._native`: the core crate for Python.  Conversions and nothing else; `native.py` beside
//! the built module gives the answers their names.
#![deny(unsafe_code)]

mod allocator;
mod answers;
mod build;
mod many;
mod messages;
mod running;

use std::path::PathBuf;

use fastverify_core::timings::{self, Stage};
use fastverify_core::tree::Reading;
use fastverify_core::{Digest, Fault, FilesHash, ModuleTask, sumdb};
use pyo3::exceptions::{PyOSError, PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::answers::{FaultTuple, fault_tuple};
use crate::running::{Measurements, only_answer};

/// A `ModuleTask` of `protocol.py`.
type TaskTuple = (
    i64,
    Vec<u8>,
    Option<PathBuf>,
    Option<PathBuf>,
    Option<PathBuf>,
    Option<PathBuf>,
    Option<PathBuf>,
    bool,
    i128,
);

fn not_started(error: std::io::Error) -> PyErr {
    PyOSError::new_err(format!("cannot start a thread: {error}"))
}

fn module_tasks(tasks: Vec<TaskTuple>) -> Vec<ModuleTask> {
    tasks
        .into_iter()
        .map(|(key, prefix, zip, tree, mod_file, info, ziphash, toolchain, weight)| ModuleTask {
            key,
            prefix,
            zip,
            tree,
            mod_file,
            info,
            ziphash,
            toolchain,
            weight: u64::try_from(weight.max(0)).unwrap_or(u64::MAX),
        })
        .collect()
}

/// Measures modules, and those that are added later, in their order; the answers are tuples in the order of
/// `protocol.py`.
#[pyfunction]
fn measure(tasks: Vec<TaskTuple>, threads: usize, spares: usize) -> PyResult<Measurements> {
    allocator::give_large_blocks_back();
    let work = fastverify_core::measure_first(module_tasks(tasks), threads, spares).map_err(not_started)?;
    Ok(Measurements::new(work))
}

/// An h1, or what there is instead.
#[derive(IntoPyObject)]
enum Answer<F> {
    H1(String),
    Fault(F),
}

/// The answer of a measurement that has one of the two.
fn answer(py: Python<'_>, h1: Option<String>, fault: Option<Fault>) -> PyResult<Answer<FaultTuple>> {
    match (h1, fault) {
        (Some(h1), _) => Ok(Answer::H1(h1)),
        (None, Some(fault)) => Ok(Answer::Fault(fault_tuple(py, &fault)?)),
        (None, None) => Err(PyRuntimeError::new_err("neither an h1 nor a fault")),
    }
}

/// The h1 of a zip, or the fault that it has instead.
#[pyfunction]
fn hash_zip(py: Python<'_>, path: PathBuf, threads: usize) -> PyResult<Answer<FaultTuple>> {
    let zip = only_answer(py, fastverify_core::hash_zip(path, threads).map_err(not_started)?)?.zip;
    answer(py, zip.as_ref().and_then(|zip| zip.h1.clone()), zip.and_then(|zip| zip.fault))
}

/// The h1 of a directory under a prefix, or the fault that it has instead.
#[pyfunction]
fn hash_dir(py: Python<'_>, path: PathBuf, prefix: Vec<u8>, threads: usize) -> PyResult<Answer<FaultTuple>> {
    let tree = only_answer(py, fastverify_core::hash_dir(path, &prefix, threads).map_err(not_started)?)?.tree;
    answer(py, tree.as_ref().and_then(|tree| tree.h1.clone()), tree.and_then(|tree| tree.fault))
}

/// The h1 of named files, or the first fault and the number of the file that has it.
#[pyfunction]
fn hash_files(
    py: Python<'_>,
    files: Vec<(Vec<u8>, PathBuf)>,
    threads: usize,
) -> PyResult<Answer<(FaultTuple, usize)>> {
    Ok(match only_answer(py, fastverify_core::hash_files(files, threads).map_err(not_started)?)? {
        FilesHash::H1(h1) => Answer::H1(h1),
        FilesHash::Fault(fault, number) => Answer::Fault((fault_tuple(py, &fault)?, number)),
    })
}

/// Whether a signature (Ed25519) of a message is by a key.
#[pyfunction]
fn sumdb_verify(key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    sumdb::verify(key, message, signature)
}

/// The hash over the subtrees whose hashes stand side by side, and what is to the right of them.
#[pyfunction]
#[pyo3(signature = (hashes, right=None))]
fn sumdb_fold<'py>(py: Python<'py>, hashes: &[u8], right: Option<Digest>) -> PyResult<Bound<'py, PyBytes>> {
    let folded = sumdb::fold(hashes, right).map_err(|error| PyValueError::new_err(error.to_string()))?;
    Ok(PyBytes::new(py, &folded))
}

/// Whether threads that are started from now on record their times.
#[pyfunction]
fn record_timings(on: bool) {
    timings::record(on);
}

/// What the threads that have ended since the last call have recorded: name, and seconds of each stage.
#[pyfunction]
fn take_timings() -> Vec<(String, Vec<(&'static str, f64)>)> {
    let named = |times: timings::ThreadTimes| {
        let stages =
            Stage::ALL.iter().zip(times.stages).map(|(stage, time)| (stage.name(), time.as_secs_f64()));
        (times.thread, stages.collect())
    };
    timings::take().into_iter().map(named).collect()
}

/// The names of the ways to read files that this process may use, and of the one that is forced.
///
/// ValueError where `FASTVERIFY_READING` names none of them.
#[pyfunction]
fn reading_ways() -> PyResult<(Vec<&'static str>, Option<&'static str>)> {
    let forced =
        Reading::from_env().map_err(|error| PyValueError::new_err(format!("FASTVERIFY_READING: {error}")))?;
    Ok((Reading::available().into_iter().map(Reading::name).collect(), forced.map(Reading::name)))
}

/// The native engine of fastverify.
#[pymodule(gil_used = false)]
mod _native {
    #[pymodule_export]
    use super::build::{BuildMeasurements, measure_build_cache, measure_build_files};
    #[pymodule_export]
    use super::{
        Measurements, hash_dir, hash_files, hash_zip, measure, reading_ways, record_timings, sumdb_fold,
        sumdb_verify, take_timings,
    };

    #[pymodule_export]
    use crate::many::{digest_files, digest_many, sha256_kernels};

    #[pymodule_export]
    #[allow(non_upper_case_globals)]
    const __version__: &str = env!("CARGO_PKG_VERSION");
}
