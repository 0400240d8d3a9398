//! The bytes of Python objects, where they lie.
//!
//! Python's stable ABI has the functions of the buffer protocol only from 3.11 on, and these modules are
//! made for 3.10 too.  What it has had all along is `PyObject_AsReadBuffer`, which says where an object's
//! bytes are without keeping them there.  So the caller gives a `memoryview` of its own of anything but
//! `bytes`, and it is the view that keeps them there.
#![allow(unsafe_code)]

use std::ffi::{c_int, c_void};

use pyo3::exceptions::PyTypeError;
use pyo3::ffi::{Py_ssize_t, PyObject};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyMemoryView};

unsafe extern "C" {
    fn PyObject_AsReadBuffer(
        object: *mut PyObject,
        buffer: *mut *const c_void,
        length: *mut Py_ssize_t,
    ) -> c_int;
}

/// A message: `bytes`, or a contiguous `memoryview` that its maker neither releases nor gives away.
pub(crate) struct Message<'py> {
    start: *const u8,
    length: usize,
    /// Keeps the bytes where they are.
    _object: Bound<'py, PyAny>,
}

/// The bytes of messages, to be read without the GIL while the messages are there.
#[derive(Clone, Copy)]
pub(crate) struct Content<'a>(&'a [u8]);

impl AsRef<[u8]> for Content<'_> {
    fn as_ref(&self) -> &[u8] {
        self.0
    }
}

impl<'py> FromPyObject<'_, 'py> for Message<'py> {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Message<'py>> {
        if !object.is_instance_of::<PyBytes>() && !object.is_instance_of::<PyMemoryView>() {
            return Err(PyTypeError::new_err("a message is bytes or a memoryview"));
        }
        let (mut start, mut length) = (std::ptr::null(), 0);
        // SAFETY: the object is alive, this thread holds the GIL, and both places can be written to.
        if unsafe { PyObject_AsReadBuffer(object.as_ptr(), &mut start, &mut length) } != 0 {
            return Err(PyErr::fetch(object.py()));
        }
        let length = usize::try_from(length)?;
        Ok(Message { start: start.cast(), length, _object: object.to_owned() })
    }
}

impl Message<'_> {
    /// Its bytes.
    pub(crate) fn content(&self) -> Content<'_> {
        if self.length == 0 {
            // Python may say that nothing lies nowhere.
            return Content(&[]);
        }
        // SAFETY: there are `length` bytes at `start` as long as the object is there: those of `bytes` never
        // change or move, and a view keeps what it views from being moved or freed.  Whoever writes to a
        // viewed bytearray meanwhile gets the digest of neither content, as from hashlib.
        Content(unsafe { std::slice::from_raw_parts(self.start, self.length) })
    }
}
