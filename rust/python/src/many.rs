//! Digests of many messages or files, without the GIL, and awake often enough for Ctrl-C.

use std::path::PathBuf;

use fastverify_core::sha256::{Digest, Kernel};
use fastverify_core::{Fault, Hashing};
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::answers::{FaultTuple, fault_tuple};
use crate::messages::{Content, Message};

fn hashing(algorithm: &str, threads: usize, kernel: Option<&str>) -> PyResult<Hashing> {
    let hashing = match algorithm {
        "sha256" => Hashing::sha256(),
        "blake3" => Hashing::blake3(),
        _ => return Err(PyValueError::new_err(format!("there is no algorithm {algorithm:?}"))),
    };
    let hashing = hashing.threads(threads);
    match kernel {
        Some(name) => Ok(hashing.kernel(name.parse().map_err(unavailable)?)),
        None => Ok(hashing),
    }
}

fn unavailable(error: impl std::fmt::Display) -> PyErr {
    PyValueError::new_err(error.to_string())
}

/// Does `work` without the GIL; its argument says whether to go on, which a signal's handler ends.
fn detached<T: Send>(
    py: Python<'_>,
    work: impl FnOnce(&mut dyn FnMut() -> bool) -> Option<T> + Send,
) -> PyResult<T> {
    let mut signal = None;
    let answer = py.detach(|| {
        work(&mut || {
            signal = Python::attach(|py| py.check_signals()).err();
            signal.is_none()
        })
    });
    match (answer, signal) {
        (_, Some(error)) => Err(error),
        (Some(answer), None) => Ok(answer),
        (None, None) => Err(PyRuntimeError::new_err("hashing ended without an answer")),
    }
}

fn as_bytes<'py>(py: Python<'py>, digests: &[Digest]) -> Vec<Bound<'py, PyBytes>> {
    digests.iter().map(|digest| PyBytes::new(py, digest)).collect()
}

/// The digests of messages, in their order.
#[pyfunction]
pub(crate) fn digest_many<'py>(
    py: Python<'py>,
    algorithm: &str,
    messages: Vec<Message<'py>>,
    threads: usize,
    kernel: Option<&str>,
) -> PyResult<Vec<Bound<'py, PyBytes>>> {
    let hashing = hashing(algorithm, threads, kernel)?;
    let contents: Vec<Content<'_>> = messages.iter().map(Message::content).collect();
    let digests = detached(py, |go_on| hashing.messages_while(&contents, go_on))?;
    Ok(as_bytes(py, &digests))
}

/// The digests of files in their order, or the first fault and the number of the file that has it.
#[derive(IntoPyObject)]
pub(crate) enum FileDigests<'py> {
    Digests(Vec<Bound<'py, PyBytes>>),
    Fault((FaultTuple, usize)),
}

#[pyfunction]
pub(crate) fn digest_files<'py>(
    py: Python<'py>,
    algorithm: &str,
    paths: Vec<PathBuf>,
    threads: usize,
    kernel: Option<&str>,
) -> PyResult<FileDigests<'py>> {
    let hashing = hashing(algorithm, threads, kernel)?;
    let answers = detached(py, |go_on| hashing.files_while(&paths, go_on))?;
    let mut digests = Vec::with_capacity(answers.len());
    for (number, answer) in answers.into_iter().enumerate() {
        match answer {
            Ok(digest) => digests.push(digest),
            Err(code) => {
                return Ok(FileDigests::Fault((fault_tuple(py, &Fault { code, name: Vec::new() })?, number)));
            }
        }
    }
    Ok(FileDigests::Digests(as_bytes(py, &digests)))
}

/// The names of the SHA-256 kernels that this processor can run, and of the one that is used.
///
/// ValueError where `FASTVERIFY_SHA256` names none of them.
#[pyfunction]
pub(crate) fn sha256_kernels() -> PyResult<(Vec<&'static str>, &'static str)> {
    Kernel::from_env().map_err(|error| unavailable(format!("FASTVERIFY_SHA256: {error}")))?;
    Ok((Kernel::available().into_iter().map(Kernel::name).collect(), Kernel::in_use().name()))
}
