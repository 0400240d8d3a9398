//! Plans of which not every thread may hold one at a time.

use std::sync::atomic::AtomicBool;

use super::*;
use crate::module::chunk::Outcome;
use crate::module::plan::SCATTERED;
use crate::zip::{Violation, ViolationCode};

/// A module with so many names that a plan for it, or for its zip or tree alone, is a large one.
fn large_module() -> Module {
    let content = |i: usize| (format!("directory/{}/file-{i}", i % 7), i.to_string().into_bytes());
    Module::new(&(0..2000).map(content).collect::<Vec<_>>())
}

fn tasks_of(module: &Module) -> [ModuleTask; 3] {
    let task = module.task();
    [task.clone(), ModuleTask { tree: None, ..task.clone() }, ModuleTask { zip: None, ..task }]
}

#[test]
fn each_has_the_answer_that_it_has_alone() {
    let module = large_module();
    module.write("directory/0/file-7", b"8");
    module.write("new", b"");
    let tasks = tasks_of(&module);
    for task in &tasks {
        let boxed = Box::new(task.clone());
        let plan = Plan::new(boxed, Limits::Extraction, None, 1, &mut Scratch::small(), &|| false);
        assert!(plan.is_err());
    }
    let alone: Vec<_> = tasks.iter().map(|task| only(task.clone(), 1)).collect();
    assert_eq!(alone[0].differences.len(), 2);
    for threads in 1..=8 {
        let numbered = |key: usize| ModuleTask { key: key as i64, ..tasks[key % 3].clone() };
        let mut answers: Vec<_> =
            measure((0..12).map(numbered).collect(), threads).unwrap().map(Result::unwrap).collect();
        answers.sort_by_key(|answer| answer.key);
        assert_eq!(answers.len(), 12);
        for (key, answer) in answers.into_iter().enumerate() {
            assert_eq!(answer, ModuleMeasurement { key: key as i64, ..alone[key % 3].clone() });
        }
    }
}

/// The rules of many names are looked at beside reading them, with the same answer on any number of threads.
#[test]
fn broken_rules() {
    let names = |more: &[&str]| {
        let mut names: Vec<String> = (0..2000).map(|i| format!("d/{}/{i}", i % 7)).collect();
        names.extend(more.iter().map(|&name| name.to_owned()));
        names
    };
    for (more, expected) in [
        (&["e"][..], &[][..]),
        (&["é"], &[]),
        (&["D/x"], &[(ViolationCode::Collision, "D/x")]),
        (&["con", "d/5/5"], &[(ViolationCode::Path, "con"), (ViolationCode::Duplicate, "d/5/5")]),
        (&["d/6/6", "d/6/6"], &[(ViolationCode::Duplicate, "d/6/6"); 2]),
    ] {
        let entry = |name: &String| TestEntry::stored(&format!("{PREFIX}{name}"), b"");
        let module = Module::of_zip(TestZip::of(names(more).iter().map(entry).collect()));
        let violation =
            |&(code, name): &(_, &str)| Violation { code, name: format!("{PREFIX}{name}").into() };
        let expected: Vec<Violation> = expected.iter().map(violation).collect();
        for threads in 1..=4 {
            let zip = only(module.task(), threads).zip.unwrap();
            assert_eq!((&zip.violations, zip.fault), (&expected, None));
        }
        // dirhash has no rules.
        let zip = hash_zip(module.temp.0.join("zip"), 2).unwrap().next().unwrap().unwrap().zip.unwrap();
        assert_eq!((zip.violations, zip.fault), (Vec::new(), None));
    }
}

/// A thread that has done what is far ahead waits until the others have come nearer, or all work is stopped.
#[test]
fn nobody_gets_far_ahead_of_the_verdict() {
    let contents: Vec<_> = (0..SCATTERED + 100).map(|i| (format!("{i:04}"), Vec::new())).collect();
    let module = Module::new(&contents);
    let task = Box::new(ModuleTask { zip: None, ..module.task() });
    let plan = Plan::new(task, Limits::Extraction, None, 1, &mut Scratch::small(), &|| false);
    let plan = plan.unwrap_or_else(|_| panic!("no names of a zip"));
    assert!(plan.chunks.len() > 4);
    let find = |chunk: usize| {
        let outcome = Outcome { tree: Some(Ok(digest(b""))), ..Outcome::default() };
        plan.found(chunk, vec![outcome; plan.chunks[chunk].len()], 0)
    };
    let stop = AtomicBool::new(false);
    let wait = |chunk: usize| {
        let mut made_ready = false;
        plan.await_verdict(chunk, &|| stop.load(Ordering::SeqCst), || made_ready = true);
        made_ready
    };
    assert!(!wait(0) && !wait(1));
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        let spawn = |chunk: usize| {
            let (sender, wait) = (sender.clone(), &wait);
            scope.spawn(move || sender.send((chunk, wait(chunk))).unwrap());
        };
        spawn(3);
        spawn(4);
        let nothing_yet = || receiver.recv_timeout(std::time::Duration::from_millis(50)).is_err();
        assert!(nothing_yet());
        // What is found out of turn changes nothing.
        find(1);
        assert!(nothing_yet());
        find(0);
        assert_eq!(receiver.recv().unwrap(), (3, true));
        assert!(nothing_yet());
        stop.store(true, Ordering::SeqCst);
        assert_eq!(receiver.recv().unwrap(), (4, true));
    });
    let last = (2..plan.chunks.len()).map(find).last();
    assert_eq!(last, Some(true));
    assert_eq!(plan.verdict().tree.unwrap().h1, Some(h1(&contents)));
}

#[test]
fn stopped_half_way() {
    let module = large_module();
    let tasks = tasks_of(&module);
    for threads in 1..=8 {
        for taken in 0..4 {
            let many = (0..20).map(|key| tasks[key % 3].clone()).collect();
            let mut measuring = measure(many, threads).unwrap();
            assert_eq!(measuring.by_ref().take(taken).map(Result::unwrap).count(), taken);
            measuring.close();
        }
    }
}
