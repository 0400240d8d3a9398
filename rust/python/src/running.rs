//! Waiting for answers without the GIL, and awake often enough for Ctrl-C.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use fastverify_core::schedule::{Failure, Job, Next, Running};
use fastverify_core::{Measuring, ModuleMeasurement, measure_more};
use pyo3::exceptions::{PyMemoryError, PyOSError, PyRuntimeError};
use pyo3::prelude::*;

use crate::allocator::give_free_memory_back;
use crate::answers::{ModuleTuple, module_tuple};
use crate::{TaskTuple, module_tasks};

/// A signal waits no longer than this.
const PATIENCE: Duration = Duration::from_millis(50);

/// The next answer; None at the end.  Python's signal handlers run meanwhile.
pub(crate) fn next<J: Job>(py: Python<'_>, work: &Mutex<Running<J>>) -> PyResult<Option<J::Answer>>
where
    Running<J>: Send,
{
    loop {
        let next = py.detach(|| work.lock().unwrap_or_else(PoisonError::into_inner).next_within(PATIENCE));
        match next {
            Next::Answer(Ok(answer)) => return Ok(Some(answer)),
            Next::Answer(Err(Failure::NoMemory)) => return Err(PyMemoryError::new_err(())),
            Next::Answer(Err(failure @ Failure::NoThread)) => {
                return Err(PyOSError::new_err(failure.to_string()));
            }
            Next::Answer(Err(failure)) => return Err(PyRuntimeError::new_err(failure.to_string())),
            Next::Done => return Ok(None),
            Next::Later => py.check_signals()?,
        }
    }
}

/// The one answer of a job that makes one.  All threads have ended then, so that nothing of them, such as
/// descriptors, is in the caller's way.  It is not waited for them where a signal or a failure ends the call.
pub(crate) fn only_answer<J: Job>(py: Python<'_>, running: Running<J>) -> PyResult<J::Answer>
where
    Running<J>: Send,
{
    let work = Mutex::new(running);
    let answer = next(py, &work)?;
    py.detach(|| work.lock().unwrap_or_else(PoisonError::into_inner).close());
    answer.ok_or_else(|| PyRuntimeError::new_err("a worker ended without an answer"))
}

/// Measurements under way: an iterator that can be closed.
#[pyclass(frozen, module = "fastverify._native")]
pub(crate) struct Measurements {
    work: Mutex<Measuring>,
}

impl Measurements {
    pub(crate) fn new(work: Measuring) -> Measurements {
        Measurements { work: Mutex::new(work) }
    }
}

#[pymethods]
impl Measurements {
    fn __iter__(this: PyRef<'_, Self>) -> PyRef<'_, Self> {
        this
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<ModuleTuple<'py>>> {
        // A signal that came while the last answer was used, and many that come fast.
        py.check_signals()?;
        let answer: Option<ModuleMeasurement> = next(py, &self.work)?;
        answer.map(|measured| module_tuple(py, measured)).transpose()
    }

    /// Adds modules, which are begun after those that are waiting.
    fn add(&self, py: Python<'_>, tasks: Vec<TaskTuple>) {
        let tasks = module_tasks(tasks);
        py.detach(|| measure_more(&self.work.lock().unwrap_or_else(PoisonError::into_inner), tasks));
    }

    /// There are no more modules to be added.
    fn end_tasks(&self, py: Python<'_>) {
        py.detach(|| self.work.lock().unwrap_or_else(PoisonError::into_inner).end_jobs());
    }

    /// Ends what has been begun, and holds no memory but that of answers, until most of those have been asked for.
    fn pause(&self, py: Python<'_>) -> PyResult<()> {
        let paused = || self.work.lock().unwrap_or_else(PoisonError::into_inner).pause_within(PATIENCE);
        while !py.detach(paused) {
            py.check_signals()?;
        }
        py.detach(give_free_memory_back);
        Ok(())
    }

    /// Stops the work and waits until nothing is read any more.
    fn close(&self, py: Python<'_>) {
        py.detach(|| self.work.lock().unwrap_or_else(PoisonError::into_inner).close());
    }
}
