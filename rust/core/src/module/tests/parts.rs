//! The parts that a module is read in, and the verdict that they come to.

use std::collections::BTreeSet;

use super::*;
use crate::module::chunk::{Outcome, first_run};
use crate::module::plan::SCATTERED;

/// A zip whose entries stand in another order than their names: the verdict goes by name, whether the entries
/// are read in the one order or the other.
#[test]
fn entries_in_any_order_and_more_than_are_read_in_it() {
    for files in [900, 2 * SCATTERED] {
        let mut contents: Vec<_> =
            (0..files).map(|i| (format!("d{}/f{i}", i % 7), format!("content {i}").into_bytes())).collect();
        let module = Module::new(&contents);
        // Files that are not in the zip, between those that are.
        for i in (0..files).step_by(10) {
            contents.push((format!("d{}/f{i}x", i % 7), Vec::new()));
        }
        for (name, content) in &contents[files..] {
            module.write(name, content);
        }
        let measured = module.measure();
        let extra: BTreeSet<_> = measured.differences.iter().map(|change| change.path).collect();
        let expected: BTreeSet<_> = contents[files..].iter().map(|(name, _)| name.clone().into()).collect();
        assert_eq!(extra, expected);
        assert!(measured.differences.iter().is_sorted_by_key(|change| change.path));
        assert_eq!(measured.tree.unwrap().h1, Some(h1(&contents)));
        assert_eq!(measured.zip.unwrap().h1, Some(h1(&contents[..files])));
    }
}

/// Chunks that come while another thread is at the verdict are taken by the last one at the latest.
#[test]
fn a_verdict_takes_every_chunk() {
    let contents: Vec<_> = (0..600).map(|i| (format!("f{i:03}"), Vec::new())).collect();
    let module = Module::new(&contents);
    let task = Box::new(ModuleTask { zip: None, ..module.task() });
    let plan = Plan::new(task, Limits::Extraction, None, 1, &mut Scratch::small(), &|| false);
    let plan = plan.unwrap_or_else(|_| panic!("a small module"));
    assert_eq!(plan.chunks.len(), 3);
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        let verdict = plan.verdict.lock().unwrap();
        for chunk in 0..3 {
            let (plan, sender) = (&plan, sender.clone());
            scope.spawn(move || {
                let outcome = Outcome { tree: Some(Ok(digest(b""))), ..Outcome::default() };
                let last = plan.found(chunk, vec![outcome; plan.chunks[chunk].len()], 0);
                sender.send(last).unwrap();
            });
        }
        // Two do not wait, and the last one does.
        assert!(!receiver.recv().unwrap() && !receiver.recv().unwrap());
        assert!(receiver.recv_timeout(std::time::Duration::from_millis(50)).is_err());
        drop(verdict);
        assert!(receiver.recv().unwrap());
    });
    assert_eq!(plan.verdict().tree.unwrap().h1, Some(h1(&contents)));
    // A thread that was not the last comes late.
    plan.verdict.lock().unwrap().go_on(&plan);
}

/// Where there is little room, a chunk's part of the zip is read in as many goes as it takes.
#[test]
fn a_chunk_is_read_in_runs_that_fit() {
    // What does not compress.
    let content = |i: usize| (0..125).flat_map(|j| digest(format!("{i} {j}").as_bytes())).collect();
    let contents: Vec<_> = (0..250).map(|i| (format!("f{i:03}"), content(i))).collect();
    let module = Module::new(&contents);
    let plan =
        Plan::new(Box::new(module.task()), Limits::Extraction, None, 1, &mut Scratch::small(), &|| false);
    let plan = plan.unwrap_or_else(|_| panic!("a small module"));
    let units: Vec<_> = plan.units(plan.chunks[0].clone()).collect();
    assert_eq!(units.len(), 250);
    for (long, least) in [(4 << 20, 1), (256 << 10, 2), (64 << 10, 8), (1 << 10, 16)] {
        let (mut runs, mut next) = (0, 0);
        while next < units.len() {
            let (run, span) = first_run(&plan, &units[next..], long);
            assert!(run > 0 && span.is_none_or(|(_, len)| len as u64 <= 2 * long));
            assert_eq!(span.is_some(), long > 4000, "{run} from {next} with {long}");
            runs += 1;
            next += run;
        }
        assert_eq!(next, units.len());
        assert!((least..=2 * least).contains(&runs), "{runs} runs with {long}");
    }
}

/// With many threads each has little room, and more is read in windows.
#[test]
fn any_number_of_threads() {
    let mut contents = contents();
    let module = Module::new(&contents);
    for threads in [1, 16, 100] {
        let measured = only(module.task(), threads);
        assert_eq!(measured.tree.unwrap().h1, Some(h1(&contents)));
        assert_eq!(
            (measured.zip.unwrap().h1, measured.differences),
            (Some(h1(&contents)), Differences::default())
        );
    }
    let middle = contents.iter_mut().find(|(name, _)| name == "middle").unwrap();
    middle.1[1_400_000] ^= 1;
    module.write("middle", &middle.1);
    for threads in [1, 100] {
        let measured = only(module.task(), threads);
        assert_eq!(measured.tree.unwrap().h1, Some(h1(&contents)));
        assert_eq!(measured.differences.len(), 1);
    }
}
