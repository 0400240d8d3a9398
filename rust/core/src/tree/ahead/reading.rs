//! The ways to read the files of a tree: which there are, and which is used.

use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;

use super::window;

/// The environment variable that forces a way.
const VARIABLE: &str = "FASTVERIFY_READING";

/// A way to read the files of a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reading {
    /// One file after the other, by plain system calls.  While they come from a disk, that is asked for the
    /// next ones beforehand.
    Plain,
    /// Many files at a time, before their turn, by an io_uring.
    IoUring,
}

impl Reading {
    /// All ways there are, on any system.
    pub const ALL: [Reading; 2] = [Reading::Plain, Reading::IoUring];

    /// The way's name, as in `FASTVERIFY_READING`.
    pub fn name(self) -> &'static str {
        match self {
            Reading::Plain => "plain",
            Reading::IoUring => "io-uring",
        }
    }

    /// Whether this process may read so.  Containers often keep io_uring from what runs in them.
    pub fn is_available(self) -> bool {
        match self {
            Reading::Plain => true,
            Reading::IoUring => window::is_possible(),
        }
    }

    /// The ways that this process may use; at least the plain one.
    pub fn available() -> Vec<Reading> {
        Reading::ALL.into_iter().filter(|reading| reading.is_available()).collect()
    }

    /// The way that `FASTVERIFY_READING` names; none when that is not set or empty.
    ///
    /// # Errors
    ///
    /// When no way is called so, or this process may not use it.
    pub fn from_env() -> Result<Option<Reading>, ReadingError> {
        match std::env::var_os(VARIABLE) {
            Some(name) if !name.is_empty() => name.to_string_lossy().parse().map(Some),
            _ => Ok(None),
        }
    }

    /// The way that is used always: that of [`Reading::from_env`].  Without one it is io_uring, and the plain way
    /// where there is none.  It is found once and stays.
    pub fn forced() -> Option<Reading> {
        static FORCED: OnceLock<Option<Reading>> = OnceLock::new();
        *FORCED.get_or_init(|| Reading::from_env().ok().flatten())
    }

    /// How files are read before their turn by a thread that has lately read from a disk, or has not; None
    /// where each is read at its turn.  Where there is no io_uring to be had, it is as if the plain way were
    /// forced.
    pub(super) fn ahead(from_disk: bool) -> Option<Reading> {
        #[cfg(test)]
        if let Some(ahead) = testing::ahead() {
            return ahead;
        }
        Reading::ahead_if(Reading::forced(), from_disk)
    }

    fn ahead_if(forced: Option<Reading>, from_disk: bool) -> Option<Reading> {
        match forced.unwrap_or(Reading::IoUring) {
            Reading::Plain => from_disk.then_some(Reading::Plain),
            Reading::IoUring => Some(Reading::IoUring),
        }
    }
}

impl fmt::Display for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Reading {
    type Err = ReadingError;

    /// The way of this name, if this process may use it.
    fn from_str(name: &str) -> Result<Reading, ReadingError> {
        let reading = Reading::ALL.into_iter().find(|reading| reading.name() == name);
        match reading {
            Some(reading) if reading.is_available() => Ok(reading),
            _ => Err(ReadingError { name: name.to_owned(), exists: reading.is_some() }),
        }
    }
}

/// A name that is not that of a way to read that this process may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadingError {
    name: String,
    exists: bool,
}

impl fmt::Display for ReadingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.exists {
            write!(f, "this system does not let files be read by {:?}", self.name)?;
        } else {
            write!(f, "there is no way to read files called {:?}", self.name)?;
        }
        f.write_str("; there is")?;
        for (i, reading) in Reading::available().into_iter().enumerate() {
            write!(f, "{} {reading}", if i == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

impl std::error::Error for ReadingError {}

/// One way at a time, for tests that see to it that all give the same.
#[cfg(test)]
pub(crate) mod testing {
    use std::sync::{Mutex, PoisonError};

    use super::Reading;

    static AHEAD: Mutex<Option<Option<Reading>>> = Mutex::new(None);

    pub(super) fn ahead() -> Option<Option<Reading>> {
        *AHEAD.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What `run` answers with nothing read ahead, and with each of the ways that there are to do so.
    #[cfg(target_os = "linux")]
    pub(crate) fn each_way<T>(mut run: impl FnMut() -> T) -> Vec<(Option<Reading>, T)> {
        static TURN: Mutex<()> = Mutex::new(());
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let force = |ahead| *AHEAD.lock().unwrap_or_else(PoisonError::into_inner) = ahead;
        let ways = Reading::available().into_iter().map(Some);
        let answers = std::iter::once(None).chain(ways).map(|ahead| {
            force(Some(ahead));
            (ahead, run())
        });
        let answers = answers.collect();
        force(None);
        answers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_calls_ask_only_disks() {
        let (plain, io_uring) = (Some(Reading::Plain), Some(Reading::IoUring));
        for (forced, in_memory, from_disk) in
            [(None, io_uring, io_uring), (plain, None, plain), (io_uring, io_uring, io_uring)]
        {
            assert_eq!(Reading::ahead_if(forced, false), in_memory, "{forced:?}");
            assert_eq!(Reading::ahead_if(forced, true), from_disk, "{forced:?}");
        }
    }

    #[test]
    fn names_lead_back_to_their_ways() {
        assert_eq!(Reading::available()[0], Reading::Plain);
        for reading in Reading::ALL {
            match reading.name().parse::<Reading>() {
                Ok(parsed) => assert_eq!(parsed, reading),
                Err(error) => {
                    assert!(!reading.is_available());
                    assert_eq!(
                        error.to_string(),
                        "this system does not let files be read by \"io-uring\"; there is plain"
                    );
                }
            }
        }
        let unknown = "steam".parse::<Reading>().unwrap_err().to_string();
        assert!(
            unknown.starts_with("there is no way to read files called \"steam\"; there is plain"),
            "{unknown}"
        );
    }
}
