//! Whether a zip breaks none of the rules for extraction, told quickly where its names are plain.
//!
//! All but a few zips hold nothing but files, named in ASCII, and break no rule.  For those it takes one
//! look at each name, and one at each pair of neighbours in the order of the names without their case.

use super::Archive;
use super::rules::{MAX_GO_MOD_BYTES, ascii_ok, windows_device};
use crate::memory;

/// What a byte of a name is in the order that names are compared in: 0 where no name has it.
///
/// Capitals are small, and a slash comes before all else, so that the files of a directory stand together,
/// right after a file of the directory's name.
const ORDER: [u8; 256] = {
    let mut order = [0; 256];
    let mut byte = 0u8;
    while byte < 128 {
        if ascii_ok(byte) {
            order[byte as usize] = byte.to_ascii_lowercase();
        }
        byte += 1;
    }
    order[b'/' as usize] = SLASH;
    order
};
const SLASH: u8 = 1;
/// More bytes of names than this are not looked at here.
const MAX_TEXT: usize = 16 << 20;

/// True only where [`violations`](super::violations) finds nothing; false also for what is merely rare:
/// directories of their own, names with anything but ASCII, and more names than memory is to be spent on.
///
/// `prefix` is `P@V/`; `by_name` has the number of each entry once, best in the order of their names.
pub(crate) fn are_plain<R>(archive: &Archive<R>, by_name: &[u32], prefix: &[u8]) -> bool {
    let most = archive.names_len();
    if most > MAX_TEXT {
        return false;
    }
    // What stands behind the prefix, in the order's own bytes, one after the other.
    memory::need(most + 2 * size_of::<u32>() * (by_name.len() + 1));
    let mut text = Vec::with_capacity(most);
    let mut starts = Vec::with_capacity(by_name.len() + 1);
    for &number in by_name {
        let entry = archive.entry(number as usize);
        let Some(name) = archive.name(&entry).behind(prefix) else { return false };
        let start = text.len();
        text.extend(name.iter().map(|&byte| ORDER[usize::from(byte)]));
        if !is_plain(name, &text[start..], entry.uncompressed as i64) {
            return false;
        }
        starts.push(start as u32);
    }
    starts.push(text.len() as u32);
    let ordered = |at: u32| &text[starts[at as usize] as usize..starts[at as usize + 1] as usize];
    let name = |at: u32| {
        archive.name(&archive.entry(by_name[at as usize] as usize)).behind(prefix).unwrap_or_default()
    };
    // They are in order already, but for capitals.
    let mut order: Vec<u32> = (0..by_name.len() as u32).collect();
    order.sort_by(|&a, &b| ordered(a).cmp(ordered(b)));
    order.windows(2).all(|pair| {
        let &[a, b] = pair else { return true };
        apart(ordered(a), name(a), ordered(b), name(b))
    })
}

/// Whether a name breaks no rule by itself.  `ordered` is the name in the order's bytes.
fn is_plain(name: &[u8], ordered: &[u8], size: i64) -> bool {
    let mut rest = (name, ordered);
    let base = loop {
        let end = rest.1.iter().position(|&byte| byte <= SLASH).unwrap_or(rest.1.len());
        let element = &rest.0[..end];
        // A trailing dot, which also covers `.` and `..`.
        if element.is_empty() || element.ends_with(b".") {
            return false;
        }
        // No device's name is longer.
        let short = element.iter().take(5).position(|&byte| byte == b'.').unwrap_or(element.len());
        if (3..=4).contains(&short) && windows_device(&element[..short]) {
            return false;
        }
        match rest.1.get(end) {
            None => break element,
            Some(&SLASH) => rest = (&rest.0[end + 1..], &rest.1[end + 1..]),
            Some(_) => return false,
        }
    };
    if base.eq_ignore_ascii_case(b"go.mod") && name != b"go.mod" {
        return false;
    }
    size <= MAX_GO_MOD_BYTES || !matches!(name, b"go.mod" | b"LICENSE")
}

/// Whether two neighbours, the one with the lower order first, are neither the same name nor directory and
/// file of one name nor in directories of one name, in each case but for capitals in it.
///
/// All files of a directory stand together; so where a directory is written in two ways, it is so in two
/// neighbours.
fn apart(a: &[u8], a_name: &[u8], b: &[u8], b_name: &[u8]) -> bool {
    let same = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    if same == a.len() {
        // The same name, or a is a directory of b's; or just the beginning of b's name.
        if b.get(same).is_none_or(|&byte| byte == SLASH) {
            return false;
        }
    }
    let directory = a[..same].iter().rposition(|&byte| byte == SLASH).unwrap_or(0);
    a_name[..directory] == b_name[..directory]
}

#[cfg(test)]
mod tests {
    use super::super::testzip::{TestEntry, TestZip};
    use super::super::violations;
    use super::*;

    /// Whether the names of a zip are plain, and whether they break a rule.
    fn plain_and_bad(names: &[String]) -> (bool, bool) {
        let entries = names.iter().map(|name| TestEntry::stored(name, b"")).collect();
        let bytes = TestZip::of(entries).bytes();
        let archive = Archive::open(&bytes[..], bytes.len() as u64).unwrap();
        let mut by_name: Vec<u32> = (0..names.len() as u32).collect();
        by_name.sort_by_key(|&number| &names[number as usize]);
        (are_plain(&archive, &by_name, b"m@v1/"), !violations(&archive, b"m@v1/", 1).is_empty())
    }

    fn numbers(mut state: u64) -> impl FnMut(usize) -> usize {
        move |below| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state % below as u64) as usize
        }
    }

    /// Plain names break no rule, and of ASCII names of files those that break none are plain.
    #[test]
    fn plain_is_what_breaks_no_rule() {
        const PARTS: [&str; 17] = [
            "a", "b", "A", "a.b", "a b", "go.mod", "Go.mod", "LICENSE", "con", "Aux.x", "com1", "x.", "é",
            "", ":", "a-", "\u{1}",
        ];
        let mut number = numbers(0x1234_5678_9abc_def1);
        let (mut good, mut bad) = (0, 0);
        for turn in 0..60_000 {
            // Few kinds of parts, so that good names and all ways to collide come often.
            let kinds = [4, 6, 9, PARTS.len()][turn % 4];
            let mut name = || {
                let parts: Vec<&str> = (0..=number(3)).map(|_| PARTS[number(kinds)]).collect();
                format!("m@v1/{}", parts.join("/"))
            };
            let names: Vec<String> = (0..1 + turn % 7).map(|_| name()).collect();
            let (plain, breaks) = plain_and_bad(&names);
            let files_in_ascii = names.iter().all(|name| name.is_ascii() && !name.ends_with('/'));
            assert_eq!(plain, !breaks && files_in_ascii, "{names:?}");
            good += usize::from(plain);
            bad += usize::from(breaks);
        }
        assert!(good > 5_000 && bad > 5_000, "{good}, {bad}");
    }

    #[test]
    fn every_byte_of_a_name() {
        for byte in 0..128u8 {
            let names = [format!("m@v1/x{}y", char::from(byte))];
            let (plain, breaks) = plain_and_bad(&names);
            assert_eq!(plain, !breaks, "{byte}");
        }
        assert_eq!(plain_and_bad(&["n@v1/a".to_owned()]), (false, true));
    }

    #[test]
    fn large_files_are_not_plain_where_their_names_forbid_it() {
        for (name, plain) in [("go.mod", false), ("LICENSE", false), ("a/LICENSE", true), ("b", true)] {
            let mut entry = TestEntry::stored(&format!("m@v1/{name}"), b"");
            entry.size = MAX_GO_MOD_BYTES as u64 + 1;
            let bytes = TestZip::of(vec![entry]).bytes();
            let archive = Archive::open(&bytes[..], bytes.len() as u64).unwrap();
            assert_eq!(are_plain(&archive, &[0], b"m@v1/"), plain, "{name}");
            assert_eq!(violations(&archive, b"m@v1/", 1).is_empty(), plain, "{name}");
        }
    }
}
