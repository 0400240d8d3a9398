//! Names that a file system may take for each other (`golang.org/x/mod/zip`, `collisionChecker`).
//!
//! Go notes each name and each directory above it by its folded text.  A name may have tens of thousands of
//! directories; so here they are kept in a tree, of which a name adds one run of elements.  Time and memory
//! grow with the names, and not with the square of their lengths.

use std::borrow::Cow;
use std::collections::HashSet;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

use super::rules::ViolationCode;
use crate::memory;
use crate::unicode_tables::FOLD;

/// The names that have been noted.
pub(super) struct Collisions<'a> {
    /// The clean path, without a prefix and a last slash, of the name with this number.
    path: &'a dyn Fn(u32) -> &'a [u8],
    runs: Vec<Run>,
    /// Of each run its number, where the hash of its parent and of its first element puts it.
    slots: Vec<u32>,
    keys: RandomState,
    /// Those of the noted names that have collided: they have noted nothing above the place where they did.
    collided: HashSet<u32>,
}

/// Elements one below the other that a name was the first to have.
struct Run {
    /// The run above, or [`NONE`].
    parent: u32,
    /// The name's number.
    name: u32,
    /// Where in its path the first element starts, and the last one ends.
    start: u16,
    end: u16,
    /// Whether the last element is a file.
    is_file: bool,
}

const NONE: u32 = u32::MAX;

/// Where a walk down the tree has been.
struct Step {
    run: u32,
    /// Where the last common element ends, in the path that walks and in that of the run.
    own: usize,
    of_run: usize,
}

impl<'a> Collisions<'a> {
    /// `path` gives what a number stands for in [`Collisions::note`].
    pub(super) fn new(path: &'a dyn Fn(u32) -> &'a [u8]) -> Self {
        Collisions {
            path,
            runs: Vec::new(),
            slots: vec![NONE; 16],
            keys: RandomState::new(),
            collided: HashSet::new(),
        }
    }

    /// Notes the name with this number, and the directories above it.  The first that collides, from the name
    /// upwards, is told, and what is above that is not noted.
    pub(super) fn note(&mut self, number: u32, is_directory: bool) -> Result<(), ViolationCode> {
        let path = (self.path)(number);
        let steps = self.walk(path);
        let deepest = steps.last().map_or(0, |step| step.own);
        if deepest < path.len() {
            self.add(steps.last(), number, deepest, !is_directory);
        }
        let checked = self.check(&steps, path, is_directory);
        if checked.is_err() {
            self.collided.insert(number);
        }
        checked
    }

    /// The runs that `path` goes along, from the top.
    fn walk(&self, path: &[u8]) -> Vec<Step> {
        let mut steps = Vec::new();
        let (mut parent, mut own) = (NONE, 0);
        while own < path.len() {
            let start = if own == 0 { 0 } else { own + 1 };
            let Some(run) = self.find(parent, element(path, start)) else { break };
            let Run { name, start: of_run, end, .. } = self.runs[run as usize];
            let other = &(self.path)(name)[..usize::from(end)];
            // The first element is the same; those behind it may be.
            let (mut next, mut of_run) = (start, usize::from(of_run));
            let mut step = Step { run, own, of_run };
            while next < path.len() && of_run < other.len() {
                let (a, b) = (element(path, next), element(other, of_run));
                if !same(a, b) {
                    break;
                }
                (step.own, step.of_run) = (next + a.len(), of_run + b.len());
                (next, of_run) = (step.own + 1, step.of_run + 1);
            }
            let is_whole = step.of_run == other.len();
            own = step.own;
            steps.push(step);
            if !is_whole {
                break;
            }
            parent = run;
        }
        steps
    }

    /// From the deepest element that was there already upwards.
    fn check(&self, steps: &[Step], path: &[u8], is_directory: bool) -> Result<(), ViolationCode> {
        for step in steps.iter().rev() {
            let run = &self.runs[step.run as usize];
            if path[..step.own] != (self.path)(run.name)[..step.of_run] {
                return Err(ViolationCode::Collision);
            }
            let was_directory = !run.is_file || step.of_run < usize::from(run.end);
            if was_directory != (is_directory || step.own < path.len()) {
                return Err(ViolationCode::FileAndDirectory);
            }
            if !was_directory {
                return Err(ViolationCode::Duplicate);
            }
            // What is above has been noted as this name has it, too, or has been found to be so.
            if !self.collided.contains(&run.name) {
                break;
            }
        }
        Ok(())
    }

    /// Adds what `path` has behind `deepest`, where the last step led to.
    fn add(&mut self, last: Option<&Step>, name: u32, deepest: usize, is_file: bool) {
        let parent = last.map_or(NONE, |step| self.split(step));
        let start = if deepest == 0 { 0 } else { deepest + 1 };
        let end = (self.path)(name).len();
        self.push(Run { parent, name, start: start as u16, end: end as u16, is_file });
    }

    /// Makes a run end where a step does, and gives its number.
    fn split(&mut self, step: &Step) -> u32 {
        let Run { parent, name, start, end, .. } = self.runs[step.run as usize];
        if step.of_run == usize::from(end) {
            return step.run;
        }
        // What is above gets a number of its own, so that what is below the run stays there.
        let slot = self.slot(parent, element((self.path)(name), usize::from(start)));
        let above = self.runs.len() as u32;
        self.runs.push(Run { parent, name, start, end: step.of_run as u16, is_file: false });
        self.slots[slot] = above;
        let run = &mut self.runs[step.run as usize];
        (run.parent, run.start) = (above, step.of_run as u16 + 1);
        self.enter(step.run);
        above
    }

    fn push(&mut self, run: Run) {
        let number = self.runs.len() as u32;
        self.runs.push(run);
        self.enter(number);
    }

    /// Puts a run where it is found.
    fn enter(&mut self, number: u32) {
        // A quarter stays free.
        if self.runs.len() * 4 > self.slots.len() * 3 {
            let slots = 2 * self.slots.len();
            // They are not held in memory together.
            self.slots = Vec::new();
            memory::reserve(&mut self.slots, slots);
            self.slots.resize(slots, NONE);
            for number in 0..self.runs.len() as u32 {
                self.place(number);
            }
        } else {
            self.place(number);
        }
    }

    fn place(&mut self, number: u32) {
        let run = &self.runs[number as usize];
        let slot = self.slot(run.parent, element((self.path)(run.name), usize::from(run.start)));
        self.slots[slot] = number;
    }

    fn find(&self, parent: u32, first: &[u8]) -> Option<u32> {
        let run = self.slots[self.slot(parent, first)];
        (run != NONE).then_some(run)
    }

    /// The slot of the run below `parent` that begins with this element, or the one for it.
    fn slot(&self, parent: u32, first: &[u8]) -> usize {
        let mut hasher = self.keys.build_hasher();
        hasher.write_u32(parent);
        hasher.write(&folded(first));
        let mut slot = hasher.finish() as usize % self.slots.len();
        loop {
            let Some(run) = self.runs.get(self.slots[slot] as usize) else { return slot };
            if run.parent == parent && same(first, element((self.path)(run.name), usize::from(run.start))) {
                return slot;
            }
            slot = (slot + 1) % self.slots.len();
        }
    }
}

/// The element of `path` that starts at `start`.
fn element(path: &[u8], start: usize) -> &[u8] {
    let rest = &path[start..];
    &rest[..rest.iter().position(|&byte| byte == b'/').unwrap_or(rest.len())]
}

fn same(a: &[u8], b: &[u8]) -> bool {
    a == b || folded(a) == folded(b)
}

/// Go's `strToFold`: equal for two names exactly where `strings.EqualFold` says so.  The name is
/// valid UTF-8.
fn folded(name: &[u8]) -> Cow<'_, [u8]> {
    if name.iter().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase()) {
        return Cow::Borrowed(name);
    }
    let fold = |char: char| {
        let point = u32::from(char);
        match FOLD.binary_search_by_key(&point, |&(from, _)| from) {
            Ok(at) => char::from_u32(FOLD[at].1).unwrap_or(char),
            Err(_) => char,
        }
    };
    Cow::Owned(String::from_utf8_lossy(name).chars().map(fold).collect::<String>().into_bytes())
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::collections::hash_map::Entry as Slot;

    use super::*;

    /// As Go does it: each name and each directory above it in a map.
    #[derive(Default)]
    struct Simple(HashMap<Vec<u8>, (Vec<u8>, bool)>);

    impl Simple {
        fn note(&mut self, path: &[u8], is_directory: bool) -> Result<(), ViolationCode> {
            match self.0.entry(folded(path).into_owned()) {
                Slot::Vacant(slot) => {
                    slot.insert((path.to_vec(), is_directory));
                }
                Slot::Occupied(slot) => match slot.get() {
                    (other, _) if other != path => return Err(ViolationCode::Collision),
                    (_, other) if *other != is_directory => return Err(ViolationCode::FileAndDirectory),
                    _ if !is_directory => return Err(ViolationCode::Duplicate),
                    _ => {}
                },
            }
            match path.iter().rposition(|&byte| byte == b'/') {
                Some(slash) => self.note(&path[..slash], true),
                None => Ok(()),
            }
        }
    }

    #[test]
    fn as_go_does_it() {
        const ELEMENTS: [&str; 8] = ["a", "A", "b", "k", "\u{212a}", "ab", "ß", "ẞ"];
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        let mut random = |below: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state % below as u64) as usize
        };
        let mut seen = HashMap::new();
        for turn in 0..40_000 {
            let kinds = [2, 3, 5, ELEMENTS.len()][turn % 4];
            let depth = [1, 3, 8][turn % 3];
            let mut name = || {
                let elements: Vec<&str> = (0..=random(depth)).map(|_| ELEMENTS[random(kinds)]).collect();
                (elements.join("/"), random(4) == 0)
            };
            let names: Vec<_> = (0..2 + turn % 12).map(|_| name()).collect();
            let path = |number: u32| names[number as usize].0.as_bytes();
            let (mut tree, mut simple) = (Collisions::new(&path), Simple::default());
            for (number, (name, is_directory)) in names.iter().enumerate() {
                let told = tree.note(number as u32, *is_directory);
                assert_eq!(told, simple.note(name.as_bytes(), *is_directory), "{names:?}, at {number}");
                *seen.entry(told.err().map(ViolationCode::name)).or_insert(0) += 1;
            }
        }
        assert!(seen.len() == 4 && seen.values().all(|&times| times > 1000), "{seen:?}");
    }

    #[test]
    fn a_name_adds_two_runs_at_most() {
        let names: Vec<String> =
            (0..500).map(|i| format!("{}t{i}{}", "a/".repeat(i), "/b".repeat(i))).collect();
        let path = |number: u32| names[number as usize].as_bytes();
        let mut tree = Collisions::new(&path);
        for number in 0..500 {
            assert_eq!(tree.note(number, false), Ok(()));
            assert!(tree.runs.len() <= 2 * number as usize + 1);
        }
        assert!(tree.slots.len() <= 2048);
    }

    #[test]
    fn fold_reaches_one_form_for_the_whole_orbit() {
        for &(from, to) in &FOLD {
            let to = char::from_u32(to).unwrap().to_string();
            let from = char::from_u32(from).unwrap().to_string();
            assert_eq!(folded(from.as_bytes()), folded(to.as_bytes()));
        }
    }
}
