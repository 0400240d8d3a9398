//! The core's records as tuples in the order of `protocol.py`.

use fastverify_core::zip::Violation;
use fastverify_core::{Fault, FileStat, ModuleMeasurement, SmallFile, TreeMeasurement, ZipMeasurement};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

pub(crate) type Bytes<'py> = Bound<'py, PyBytes>;

/// `Fault`; not bound, because it also outlives a call.
pub(crate) type FaultTuple = (&'static str, Py<PyBytes>, i32);
pub(crate) type StatTuple = (u64, i128, u32, u32);
type ViolationTuple<'py> = (&'static str, Bytes<'py>);
type ZipTuple<'py> = (
    Option<StatTuple>,
    Option<FaultTuple>,
    Option<String>,
    Option<String>,
    usize,
    u128,
    Option<String>,
    bool,
    Bound<'py, PyTuple>,
    Bound<'py, PyTuple>,
);
type TreeTuple<'py> = (
    Option<StatTuple>,
    Option<FaultTuple>,
    Option<String>,
    usize,
    u64,
    Bound<'py, PyTuple>,
    Bound<'py, PyTuple>,
    usize,
    usize,
);
type SmallTuple<'py> = (Option<StatTuple>, Option<FaultTuple>, Bytes<'py>, Option<String>);
/// `ModuleMeasurement`; the differences packed, and how many they are.
pub(crate) type ModuleTuple<'py> = (
    i64,
    Option<ZipTuple<'py>>,
    Option<TreeTuple<'py>>,
    Option<SmallTuple<'py>>,
    Option<SmallTuple<'py>>,
    Option<SmallTuple<'py>>,
    Bytes<'py>,
    usize,
    usize,
);

/// What there may be no memory for, unlike [`PyBytes::new`].
pub(crate) fn bytes<'py>(py: Python<'py>, content: &[u8]) -> PyResult<Bytes<'py>> {
    PyBytes::new_with(py, content.len(), |room| {
        room.copy_from_slice(content);
        Ok(())
    })
}

pub(crate) fn fault_tuple(py: Python<'_>, fault: &Fault) -> PyResult<FaultTuple> {
    Ok((fault.code.name(), bytes(py, &fault.name)?.unbind(), fault.code.errno()))
}

pub(crate) fn optional_fault(py: Python<'_>, fault: Option<&Fault>) -> PyResult<Option<FaultTuple>> {
    fault.map(|fault| fault_tuple(py, fault)).transpose()
}

pub(crate) fn stat_tuple(stat: FileStat) -> StatTuple {
    (stat.size, stat.mtime_ns, stat.uid, stat.mode)
}

pub(crate) fn tuple<'py, T, U: IntoPyObject<'py>>(
    py: Python<'py>,
    all: &[T],
    one: impl Fn(&T) -> PyResult<U>,
) -> PyResult<Bound<'py, PyTuple>> {
    PyTuple::new(py, all.iter().map(one).collect::<PyResult<Vec<U>>>()?)
}

fn violation_tuple<'py>(py: Python<'py>, violation: &Violation) -> PyResult<ViolationTuple<'py>> {
    Ok((violation.code.name(), bytes(py, &violation.name)?))
}

fn zip_tuple(py: Python<'_>, zip: ZipMeasurement) -> PyResult<ZipTuple<'_>> {
    Ok((
        zip.stat.map(stat_tuple),
        optional_fault(py, zip.fault.as_ref())?,
        zip.h1,
        zip.files_h1,
        zip.entries,
        zip.unpacked,
        zip.go_mod_h1,
        zip.has_go_mod,
        tuple(py, &zip.bad_entries, |fault| fault_tuple(py, fault))?,
        tuple(py, &zip.violations, |violation| violation_tuple(py, violation))?,
    ))
}

fn tree_tuple(py: Python<'_>, tree: TreeMeasurement) -> PyResult<TreeTuple<'_>> {
    Ok((
        tree.stat.map(stat_tuple),
        optional_fault(py, tree.fault.as_ref())?,
        tree.h1,
        tree.files,
        tree.bytes,
        tuple(py, &tree.faults, |fault| fault_tuple(py, fault))?,
        tuple(py, &tree.empty_directories, |path| bytes(py, path))?,
        tree.more_faults,
        tree.more_empty_directories,
    ))
}

fn small_tuple(py: Python<'_>, file: SmallFile) -> PyResult<SmallTuple<'_>> {
    Ok((
        file.stat.map(stat_tuple),
        optional_fault(py, file.fault.as_ref())?,
        bytes(py, &file.content)?,
        file.h1,
    ))
}

pub(crate) fn module_tuple(py: Python<'_>, measured: ModuleMeasurement) -> PyResult<ModuleTuple<'_>> {
    let small = |file: Option<SmallFile>| file.map(|file| small_tuple(py, file)).transpose();
    Ok((
        measured.key,
        measured.zip.map(|zip| zip_tuple(py, zip)).transpose()?,
        measured.tree.map(|tree| tree_tuple(py, tree)).transpose()?,
        small(measured.mod_file)?,
        small(measured.info)?,
        small(measured.ziphash)?,
        bytes(py, measured.differences.packed())?,
        measured.differences.len(),
        measured.more_differences,
    ))
}
