//! The core's records as tuples in the order of `protocol.py`.

use fastverify_core::zip::Violation;
use fastverify_core::{Fault, FileStat, ModuleMeasurement, SmallFile, TreeMeasurement, ZipMeasurement};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

type Bytes<'py> = Bound<'py, PyBytes>;

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

pub(crate) fn fault_tuple(py: Python<'_>, fault: &Fault) -> FaultTuple {
    (fault.code.name(), PyBytes::new(py, &fault.name).unbind(), fault.code.errno())
}

pub(crate) fn stat_tuple(stat: FileStat) -> StatTuple {
    (stat.size, stat.mtime_ns, stat.uid, stat.mode)
}

pub(crate) fn tuple<'py, T, U: IntoPyObject<'py>>(
    py: Python<'py>,
    all: &[T],
    one: impl Fn(&T) -> U,
) -> Bound<'py, PyTuple> {
    // What is converted here is made of numbers, text and bytes, which fails only without memory.
    PyTuple::new(py, all.iter().map(one)).expect("a tuple of plain values")
}

fn violation_tuple<'py>(py: Python<'py>, violation: &Violation) -> ViolationTuple<'py> {
    (violation.code.name(), PyBytes::new(py, &violation.name))
}

fn zip_tuple(py: Python<'_>, zip: ZipMeasurement) -> ZipTuple<'_> {
    (
        zip.stat.map(stat_tuple),
        zip.fault.map(|fault| fault_tuple(py, &fault)),
        zip.h1,
        zip.files_h1,
        zip.entries,
        zip.unpacked,
        zip.go_mod_h1,
        zip.has_go_mod,
        tuple(py, &zip.bad_entries, |fault| fault_tuple(py, fault)),
        tuple(py, &zip.violations, |violation| violation_tuple(py, violation)),
    )
}

fn tree_tuple(py: Python<'_>, tree: TreeMeasurement) -> TreeTuple<'_> {
    (
        tree.stat.map(stat_tuple),
        tree.fault.map(|fault| fault_tuple(py, &fault)),
        tree.h1,
        tree.files,
        tree.bytes,
        tuple(py, &tree.faults, |fault| fault_tuple(py, fault)),
        tuple(py, &tree.empty_directories, |path| PyBytes::new(py, path)),
        tree.more_faults,
        tree.more_empty_directories,
    )
}

fn small_tuple(py: Python<'_>, file: SmallFile) -> SmallTuple<'_> {
    (
        file.stat.map(stat_tuple),
        file.fault.map(|fault| fault_tuple(py, &fault)),
        PyBytes::new(py, &file.content),
        file.h1,
    )
}

pub(crate) fn module_tuple(py: Python<'_>, measured: ModuleMeasurement) -> ModuleTuple<'_> {
    (
        measured.key,
        measured.zip.map(|zip| zip_tuple(py, zip)),
        measured.tree.map(|tree| tree_tuple(py, tree)),
        measured.mod_file.map(|file| small_tuple(py, file)),
        measured.info.map(|file| small_tuple(py, file)),
        measured.ziphash.map(|file| small_tuple(py, file)),
        PyBytes::new(py, measured.differences.packed()),
        measured.differences.len(),
        measured.more_differences,
    )
}
