//! The rules that Go holds a module's zip to before it extracts it (`golang.org/x/mod/zip`,
//! `checkZip`; `golang.org/x/mod/module`, `CheckFilePath`).

use super::Archive;
use super::collisions::Collisions;
use crate::listed::Listed;
use crate::unicode_tables::LETTER_RANGES;

/// Go refuses a root `go.mod` or `LICENSE` larger than this (`MaxGoMod`, `MaxLICENSE`).
pub const MAX_GO_MOD_BYTES: i64 = 16 << 20;

/// The kind of a [`Violation`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ViolationCode {
    /// The name does not start with `P@V/`.
    Prefix,
    /// Not clean, or refused by `module.CheckFilePath`.
    Path,
    /// A second file of the same name.
    Duplicate,
    /// Equal to another name, or to a directory of one, but for case.
    Collision,
    /// One name is both a file and a directory.
    FileAndDirectory,
    /// A go.mod (in any case) that is not exactly the root's.
    GoModPlace,
    /// Root go.mod over [`MAX_GO_MOD_BYTES`].
    GoModSize,
    /// Root LICENSE over [`MAX_GO_MOD_BYTES`].
    LicenseSize,
}

impl ViolationCode {
    /// The code's name, as the Python package has it.
    pub fn name(self) -> &'static str {
        match self {
            ViolationCode::Prefix => "prefix",
            ViolationCode::Path => "path",
            ViolationCode::Duplicate => "duplicate",
            ViolationCode::Collision => "collision",
            ViolationCode::FileAndDirectory => "file-and-directory",
            ViolationCode::GoModPlace => "go-mod-place",
            ViolationCode::GoModSize => "go-mod-size",
            ViolationCode::LicenseSize => "license-size",
        }
    }
}

/// A rule that an entry breaks, so that Go refuses to extract the zip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The rule.
    pub code: ViolationCode,
    /// The entry's raw name.
    pub name: Vec<u8>,
}

/// The first `limit` violations, in the order of the entries, with names together no longer than
/// [`MAX_LISTED_BYTES`](crate::MAX_LISTED_BYTES).  `prefix` is `P@V/`.
pub fn violations<R>(archive: &Archive<R>, prefix: &[u8], limit: usize) -> Vec<Violation> {
    // Only names that begin with the prefix are noted.
    let path =
        |number: u32| clean(archive.name(&archive.entry(number as usize)).behind(prefix).unwrap_or_default());
    let mut collisions = Collisions::new(&path);
    let mut violations = Listed::of(limit);
    for (number, entry) in archive.entries().enumerate() {
        if violations.is_full() {
            break;
        }
        let name = archive.name(&entry);
        let checked = match name.behind(prefix) {
            Some(name) => check(&mut collisions, number as u32, name, entry.uncompressed as i64),
            None => Err(ViolationCode::Prefix),
        };
        if let Err(code) = checked {
            violations.push(name.len(), || Violation { code, name: name.to_vec() });
        }
    }
    violations.into_parts().0
}

/// A name without the prefix, and a directory's also without its slash.
fn clean(name: &[u8]) -> &[u8] {
    name.strip_suffix(b"/").unwrap_or(name)
}

/// `name` is without the prefix.
fn check(collisions: &mut Collisions<'_>, number: u32, name: &[u8], size: i64) -> Result<(), ViolationCode> {
    if name.is_empty() {
        return Ok(());
    }
    let (name, is_directory) = match name.strip_suffix(b"/") {
        Some(name) => (name, true),
        None => (name, false),
    };
    // That path.Clean changes nothing follows from CheckFilePath.
    if !file_path_ok(name) {
        return Err(ViolationCode::Path);
    }
    collisions.note(number, is_directory)?;
    if is_directory {
        return Ok(());
    }
    let base = name.rsplit(|&byte| byte == b'/').next().unwrap_or(name);
    // Nothing but ASCII folds to the letters of go.mod.
    if base.eq_ignore_ascii_case(b"go.mod") && name != b"go.mod" {
        return Err(ViolationCode::GoModPlace);
    }
    match name {
        b"go.mod" if size > MAX_GO_MOD_BYTES => Err(ViolationCode::GoModSize),
        b"LICENSE" if size > MAX_GO_MOD_BYTES => Err(ViolationCode::LicenseSize),
        _ => Ok(()),
    }
}

/// Whether `module.CheckFilePath` accepts the name.
fn file_path_ok(name: &[u8]) -> bool {
    std::str::from_utf8(name).is_ok_and(|name| name.split('/').all(element_ok))
}

fn element_ok(element: &str) -> bool {
    // A trailing dot, which also covers `.` and `..`.
    if element.is_empty() || element.ends_with('.') || !element.chars().all(char_ok) {
        return false;
    }
    let short = element.split('.').next().unwrap_or(element);
    !windows_device(short.as_bytes())
}

/// Names that Windows gives to devices.  No letter of them has a fold outside ASCII.
pub(super) fn windows_device(short: &[u8]) -> bool {
    let is = |name: &[u8]| short.eq_ignore_ascii_case(name);
    match short {
        [_, _, _] => is(b"CON") || is(b"PRN") || is(b"AUX") || is(b"NUL"),
        [head @ .., b'1'..=b'9'] => head.eq_ignore_ascii_case(b"COM") || head.eq_ignore_ascii_case(b"LPT"),
        _ => false,
    }
}

/// `module.fileNameOK` for what is ASCII.
pub(super) const fn ascii_ok(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#'
                | b'$'
                | b'%'
                | b'&'
                | b'('
                | b')'
                | b'+'
                | b','
                | b'-'
                | b'.'
                | b'='
                | b'@'
                | b'['
                | b']'
                | b'^'
                | b'_'
                | b'{'
                | b'}'
                | b'~'
                | b' '
        )
}

/// `module.fileNameOK`.
fn char_ok(char: char) -> bool {
    if char.is_ascii() {
        return ascii_ok(char as u8);
    }
    let point = u32::from(char);
    let after = LETTER_RANGES.partition_point(|&(low, _)| low <= point);
    after > 0 && point <= LETTER_RANGES[after - 1].1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(names: &[&'static str]) -> Vec<Option<ViolationCode>> {
        codes_of(b"m@v1/", &names.iter().map(|name| (*name, 0)).collect::<Vec<_>>())
    }

    fn codes_of(prefix: &[u8], names: &[(&'static str, i64)]) -> Vec<Option<ViolationCode>> {
        let behind = |name: &'static str| name.as_bytes().strip_prefix(prefix);
        let path = |number: u32| clean(behind(names[number as usize].0).unwrap_or_default());
        let mut collisions = Collisions::new(&path);
        let check = |(number, (name, size)): (usize, &(&'static str, i64))| match behind(name) {
            Some(name) => check(&mut collisions, number as u32, name, *size).err(),
            None => Some(ViolationCode::Prefix),
        };
        names.iter().enumerate().map(check).collect()
    }

    /// Cases of golang.org/x/mod/module's TestCheckPath that are about file paths.
    #[test]
    fn file_paths() {
        for good in [
            "x.y/z",
            "-x",
            "a/b~1",
            "x~1y",
            "spaces in it",
            "=x",
            "@x",
            "[x]",
            "x..y",
            "..x",
            "ä/ß/日本",
            "com10",
            "acon",
            "con1",
            "lpt0",
            "x/COM",
            ".gitignore",
            "a.b.c",
        ] {
            assert!(file_path_ok(good.as_bytes()), "{good}");
        }
        for bad in [
            "", "/x", "x/", "x//y", "./x", "../x", "x/.", "x/..", "x.", "x./y", "x...", "con", "CON.txt",
            "x/com1", "LpT9.a.b", "nul", "a\\b", "a:b", "a\"b", "a'b", "a*b", "a<b", "a>b", "a?b", "a`b",
            "a|b", "a;b", "a\0b", "a\nb", "a\u{7f}", "e\u{301}", "\u{a0}", "😀", "²",
        ] {
            assert!(!file_path_ok(bad.as_bytes()), "{bad:?}");
        }
        assert!(!file_path_ok(b"\xff"));
    }

    #[test]
    fn collisions() {
        use ViolationCode::*;
        assert_eq!(codes(&["m@v1/a", "m@v1/b/c", "m@v1/", "m@v1/b/", "m@v1/b/"]), [None; 5]);
        assert_eq!(codes(&["m@v1/a", "m@v1/a"]), [None, Some(Duplicate)]);
        assert_eq!(codes(&["m@v1/a", "m@v1/A"]), [None, Some(Collision)]);
        assert_eq!(codes(&["m@v1/k", "m@v1/\u{212a}"]), [None, Some(Collision)]);
        assert_eq!(codes(&["m@v1/ß", "m@v1/ss", "m@v1/ẞ"]), [None, None, Some(Collision)]);
        assert_eq!(codes(&["m@v1/a/b", "m@v1/A/c"]), [None, Some(Collision)]);
        assert_eq!(codes(&["m@v1/a/b", "m@v1/A/c", "m@v1/A/d"]), [None, Some(Collision), Some(Collision)]);
        assert_eq!(codes(&["m@v1/a", "m@v1/a/b"]), [None, Some(FileAndDirectory)]);
        assert_eq!(codes(&["m@v1/a/b", "m@v1/a"]), [None, Some(FileAndDirectory)]);
        assert_eq!(codes(&["m@v1/a/", "m@v1/a"]), [None, Some(FileAndDirectory)]);
        assert_eq!(codes(&["x@v1/a", "m@v1"]), [Some(Prefix); 2]);
        assert_eq!(codes(&["m@v1/", "m@v1//"]), [None, Some(Path)]);
    }

    #[test]
    fn go_mod_and_sizes() {
        use ViolationCode::*;
        assert_eq!(codes(&["m@v1/go.mod", "m@v1/a/go.mod/", "m@v1/b/go.mod/x"]), [None; 3]);
        assert_eq!(codes(&["m@v1/Go.mod", "m@v1/a/go.mod", "m@v1/a/GO.MOD"]).iter().flatten().count(), 3);
        let large = MAX_GO_MOD_BYTES + 1;
        assert_eq!(
            codes_of(b"m/", &[("m/go.mod", large), ("m/LICENSE", large), ("m/a/LICENSE", large)]),
            [Some(GoModSize), Some(LicenseSize), None]
        );
        assert_eq!(codes_of(b"m/", &[("m/go.mod", large - 1)]), [None]);
    }
}
