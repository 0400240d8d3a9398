//! Action entries: what `cmd/go/internal/cache` takes for one, and what it writes.

use std::ffi::CString;
use std::io::Read;

use super::{ActionEntry, ENTRY_BYTES, Id};
use crate::fault::FaultCode;
use crate::stat::FileStat;
use crate::tree::Root;

/// Whether the go command takes the content for an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryForm {
    /// As Go writes it.
    Canonical,
    /// Go takes it and never writes it.
    Foreign,
    /// Go does not take it.
    Malformed,
}

impl EntryForm {
    /// The word that the Python package has for it.
    pub fn name(self) -> &'static str {
        match self {
            EntryForm::Canonical => "canonical",
            EntryForm::Foreign => "foreign",
            EntryForm::Malformed => "malformed",
        }
    }
}

/// What is not as Go writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // protocol: fastverify/engine/buildcache.py
pub enum EntryFlaw {
    None,
    Empty,
    Short,
    Long,
    Header,
    Action,
    Hex,
    Size,
    Time,
    Capitals,
    Number,
    ZeroTime,
}

impl EntryFlaw {
    /// The word that the Python package has for it.
    pub fn name(self) -> &'static str {
        match self {
            EntryFlaw::None => "",
            EntryFlaw::Empty => "empty",
            EntryFlaw::Short => "short",
            EntryFlaw::Long => "long",
            EntryFlaw::Header => "header",
            EntryFlaw::Action => "action",
            EntryFlaw::Hex => "hex",
            EntryFlaw::Size => "size",
            EntryFlaw::Time => "time",
            EntryFlaw::Capitals => "capitals",
            EntryFlaw::Number => "number",
            EntryFlaw::ZeroTime => "zero-time",
        }
    }
}

/// The content of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parsed {
    /// Whether Go takes it.
    pub form: EntryForm,
    /// Why it is not canonical.
    pub flaw: EntryFlaw,
    /// The output's ID; None where it is malformed.
    pub output: Option<Id>,
    /// The output's size.
    pub size: u64,
    /// Nanoseconds since 1970.
    pub time: u64,
}

fn malformed(flaw: EntryFlaw) -> Parsed {
    Parsed { form: EntryForm::Malformed, flaw, output: None, size: 0, time: 0 }
}

/// What `content`, of which more than [`ENTRY_BYTES`] + 1 bytes need not be given, is for `action`.
///
/// The rules are those of Go's `DiskCache.get`.
pub fn parse_entry(content: &[u8], action: &Id) -> Parsed {
    match content.len() {
        ENTRY_BYTES => {}
        0 => return malformed(EntryFlaw::Empty),
        short if short < ENTRY_BYTES => return malformed(EntryFlaw::Short),
        _ => return malformed(EntryFlaw::Long),
    }
    if !content.starts_with(b"v1 ")
        || [67, 132, 153].iter().any(|&at| content[at] != b' ')
        || content[174] != b'\n'
    {
        return malformed(EntryFlaw::Header);
    }
    match unhex(&content[3..67]) {
        None => return malformed(EntryFlaw::Hex),
        Some(ours) if ours != *action => return malformed(EntryFlaw::Action),
        Some(_) => {}
    }
    let Some(output) = unhex(&content[68..132]) else { return malformed(EntryFlaw::Hex) };
    let Some((size, size_written)) = number(&content[133..153]) else { return malformed(EntryFlaw::Size) };
    let Some((time, time_written)) = number(&content[154..174]) else { return malformed(EntryFlaw::Time) };
    let flaw = if content[3..132].iter().any(u8::is_ascii_uppercase) {
        EntryFlaw::Capitals
    } else if !(size_written && time_written) {
        EntryFlaw::Number
    } else if time == 0 {
        EntryFlaw::ZeroTime
    } else {
        EntryFlaw::None
    };
    let form = if flaw == EntryFlaw::None { EntryForm::Canonical } else { EntryForm::Foreign };
    Parsed { form, flaw, output: Some(output), size, time }
}

/// 32 bytes in hexadecimal digits, small or capital.
pub(super) fn unhex(digits: &[u8]) -> Option<Id> {
    let mut id = [0; 32];
    if digits.len() != 64 {
        return None;
    }
    for (byte, pair) in id.iter_mut().zip(digits.chunks_exact(2)) {
        let high = (pair[0] as char).to_digit(16)?;
        let low = (pair[1] as char).to_digit(16)?;
        *byte = (high << 4 | low) as u8;
    }
    Some(id)
}

/// `strconv.ParseInt(field without leading blanks, 10, 64)` if it is not negative, and whether Go would
/// have written it so.
fn number(field: &[u8]) -> Option<(u64, bool)> {
    let blanks = field.iter().take_while(|&&byte| byte == b' ').count();
    let text = &field[blanks..];
    let digits = text.strip_prefix(b"+").or_else(|| text.strip_prefix(b"-")).unwrap_or(text);
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let mut value: u64 = 0;
    for digit in digits {
        value = value.checked_mul(10)?.checked_add(u64::from(digit - b'0'))?;
    }
    if value > i64::MAX as u64 || (text[0] == b'-' && value != 0) {
        return None;
    }
    Some((value, text.len() == digits.len() && (digits[0] != b'0' || digits.len() == 1)))
}

/// `xx/ID-a` or `xx/ID-d`.
pub(super) fn path(id: &Id, kind: u8) -> CString {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut path = Vec::with_capacity(70);
    for (number, byte) in id.iter().enumerate() {
        path.extend_from_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
        if number == 0 {
            path.push(b'/');
            path.extend_from_within(0..2);
        }
    }
    path.extend_from_slice(&[b'-', kind]);
    CString::new(path).expect("hexadecimal digits")
}

pub(super) fn unread(action: &Id, stat: Option<FileStat>, code: FaultCode) -> ActionEntry {
    ActionEntry { action: *action, stat, fault: Some(code.whole()), parsed: malformed(EntryFlaw::None) }
}

/// Reads the entry of `action`.
pub(super) fn read_entry(root: &Root, action: &Id) -> ActionEntry {
    match root.lstat(&path(action, b'a')) {
        Ok(stat) => read_found(root, action, stat),
        Err(code) => unread(action, None, code),
    }
}

/// The same where its `lstat` is known.
pub(super) fn read_found(root: &Root, action: &Id, found: FileStat) -> ActionEntry {
    if let Some(code) = no_file(&found) {
        return unread(action, Some(found), code);
    }
    let (mut file, stat) = match root.open_file(&path(action, b'a')) {
        Ok(opened) => opened,
        Err(code) => return unread(action, Some(found), code),
    };
    let mut content = [0; ENTRY_BYTES + 1];
    let mut len = 0;
    while len < content.len() {
        match file.read(&mut content[len..]) {
            Ok(0) => break,
            Ok(more) => {
                len += more;
                // There was room for one byte more.
                if len as u64 == stat.size {
                    break;
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return unread(action, Some(stat), error.into()),
        }
    }
    ActionEntry {
        action: *action,
        stat: Some(stat),
        fault: None,
        parsed: parse_entry(&content[..len], action),
    }
}

/// Why what `stat` tells of is not opened.
pub(super) fn no_file(stat: &FileStat) -> Option<FaultCode> {
    const TYPE: u32 = 0o170000;
    const LINK: u32 = 0o120000;
    if stat.mode & TYPE == LINK {
        return Some(FaultCode::Link);
    }
    (!stat.is_regular()).then_some(FaultCode::NotRegular)
}
