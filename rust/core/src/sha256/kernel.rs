//! The kernels: which there are, which of them this processor can run, which of them is used.

use std::fmt;
use std::hint::black_box;
use std::str::FromStr;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

#[cfg(all(target_arch = "aarch64", target_endian = "little"))]
use super::armv8::Armv8;
#[cfg(target_arch = "x86_64")]
use super::avx2::Avx2;
#[cfg(target_arch = "x86_64")]
use super::avx512::Avx512;
#[cfg(any(target_arch = "x86_64", all(target_arch = "aarch64", target_endian = "little")))]
use super::lanes::LaneKernel;
use super::lanes::Work;
use super::portable::Portable;
#[cfg(target_arch = "x86_64")]
use super::shani::ShaNi;
#[cfg(target_arch = "x86_64")]
use super::sse2::Sse2;

/// The environment variable that forces a kernel.
const VARIABLE: &str = "FASTVERIFY_SHA256";

/// A way to compute SHA-256 of many messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kernel {
    /// Plain Rust, one message at a time.
    Portable,
    /// SSE2: four messages at a time; plain Rust when one is left.
    Sse2,
    /// AVX2: eight messages at a time; plain Rust when one is left.
    Avx2,
    /// AVX-512: sixteen messages at a time; plain Rust when one is left.
    Avx512,
    /// The SHA extensions of x86: four messages interleaved.
    ShaNi,
    /// AVX-512, and the SHA extensions when few messages are left.
    Avx512ShaNi,
    /// The SHA-2 instructions of ARMv8: four messages interleaved.
    Armv8,
}

impl Kernel {
    /// All kernels there are, on any processor.
    pub const ALL: [Kernel; 7] = [
        Kernel::Portable,
        Kernel::Sse2,
        Kernel::Avx2,
        Kernel::Avx512,
        Kernel::ShaNi,
        Kernel::Avx512ShaNi,
        Kernel::Armv8,
    ];

    /// The kernel's name, as in `FASTVERIFY_SHA256`.
    pub fn name(self) -> &'static str {
        match self {
            Kernel::Portable => "portable",
            Kernel::Sse2 => "sse2",
            Kernel::Avx2 => "avx2",
            Kernel::Avx512 => "avx512",
            Kernel::ShaNi => "sha-ni",
            Kernel::Avx512ShaNi => "avx512+sha-ni",
            Kernel::Armv8 => "armv8",
        }
    }

    /// Whether this processor, and this build, can run the kernel.
    pub fn is_available(self) -> bool {
        match self {
            Kernel::Portable => true,
            #[cfg(target_arch = "x86_64")]
            Kernel::Sse2 => true,
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx2 => Avx2::detect().is_some(),
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx512 => Avx512::detect().is_some(),
            #[cfg(target_arch = "x86_64")]
            Kernel::ShaNi => ShaNi::detect().is_some(),
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx512ShaNi => Avx512::detect().is_some() && ShaNi::detect().is_some(),
            #[cfg(all(target_arch = "aarch64", target_endian = "little"))]
            Kernel::Armv8 => Armv8::detect().is_some(),
            #[allow(unreachable_patterns, reason = "which kernels are left depends on the target")]
            _ => false,
        }
    }

    /// The kernels that this processor can run; at least the portable one.
    pub fn available() -> Vec<Kernel> {
        Kernel::ALL.into_iter().filter(|kernel| kernel.is_available()).collect()
    }

    /// The fastest kernel for many messages on this processor.
    ///
    /// Where the processor has AVX-512 and the SHA extensions, which is faster differs from one design to
    /// the next; the first call measures it, which takes less than a millisecond.
    pub fn best() -> Kernel {
        static BEST: OnceLock<Kernel> = OnceLock::new();
        *BEST.get_or_init(|| {
            if Kernel::Avx512ShaNi.is_available() {
                return faster(Kernel::ShaNi, Kernel::Avx512ShaNi);
            }
            [Kernel::ShaNi, Kernel::Armv8, Kernel::Avx512, Kernel::Avx2, Kernel::Sse2]
                .into_iter()
                .find(|kernel| kernel.is_available())
                .unwrap_or(Kernel::Portable)
        })
    }

    /// The kernel that `FASTVERIFY_SHA256` names; none when that is not set or empty.
    ///
    /// # Errors
    ///
    /// When no kernel is called so, or this processor cannot run it.
    pub fn from_env() -> Result<Option<Kernel>, KernelError> {
        match std::env::var_os(VARIABLE) {
            Some(name) if !name.is_empty() => name.to_string_lossy().parse().map(Some),
            _ => Ok(None),
        }
    }

    /// The kernel that hashing uses unless it is told another: that of [`Kernel::from_env`], or else
    /// [`Kernel::best`].  It is found once and stays.
    pub fn in_use() -> Kernel {
        static IN_USE: OnceLock<Kernel> = OnceLock::new();
        *IN_USE.get_or_init(|| Kernel::from_env().ok().flatten().unwrap_or_else(Kernel::best))
    }

    /// How many messages it works on at a time.
    pub fn lanes(self) -> usize {
        match self {
            Kernel::Portable => 1,
            Kernel::Sse2 | Kernel::ShaNi | Kernel::Armv8 => 4,
            Kernel::Avx2 => 8,
            Kernel::Avx512 | Kernel::Avx512ShaNi => 16,
        }
    }

    /// Hashes all of `messages`; there are as many places in `digests`.
    pub(super) fn run(self, messages: &[&[u8]], digests: &mut [[u8; 32]]) {
        self.finish(&mut Work::new(messages, digests, self.lanes()));
    }

    /// Does the part of the work that keeps at least half of the lanes of its instructions in use.
    pub(super) fn while_many(self, work: &mut Work<'_, '_>) {
        let few = (self.lanes() / 2).saturating_sub(1);
        match self {
            Kernel::Portable => work.run::<1, _>(Portable, 0),
            #[cfg(target_arch = "x86_64")]
            Kernel::Sse2 => work.run::<4, _>(Sse2, few),
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx2 => work.run::<8, _>(present(Avx2::detect(), self), few),
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx512 => work.run::<16, _>(present(Avx512::detect(), self), few),
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx512ShaNi => {
                work.run::<16, _>(present(Avx512::detect(), self), LEFT_TO_SHANI);
                // Little is left then that has to be kept, and copied.
                interleaved_while_many(work, present(ShaNi::detect(), self));
            }
            #[cfg(target_arch = "x86_64")]
            Kernel::ShaNi => interleaved_while_many(work, present(ShaNi::detect(), self)),
            #[cfg(all(target_arch = "aarch64", target_endian = "little"))]
            Kernel::Armv8 => interleaved_while_many(work, present(Armv8::detect(), self)),
            #[allow(unreachable_patterns, reason = "which kernels are left depends on the target")]
            _ => present(None, self),
        }
    }

    /// Does all of the work.
    pub(super) fn finish(self, work: &mut Work<'_, '_>) {
        match self {
            Kernel::Portable => work.run::<1, _>(Portable, 0),
            #[cfg(target_arch = "x86_64")]
            Kernel::Sse2 => {
                work.run::<4, _>(Sse2, 1);
                work.run::<1, _>(Portable, 0);
            }
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx2 => {
                work.run::<8, _>(present(Avx2::detect(), self), 1);
                work.run::<1, _>(Portable, 0);
            }
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx512 => {
                work.run::<16, _>(present(Avx512::detect(), self), 1);
                work.run::<1, _>(Portable, 0);
            }
            #[cfg(target_arch = "x86_64")]
            Kernel::ShaNi => {
                interleaved(work, present(ShaNi::detect(), self));
            }
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx512ShaNi => {
                work.run::<16, _>(present(Avx512::detect(), self), LEFT_TO_SHANI);
                interleaved(work, present(ShaNi::detect(), self));
            }
            #[cfg(all(target_arch = "aarch64", target_endian = "little"))]
            Kernel::Armv8 => {
                interleaved(work, present(Armv8::detect(), self));
            }
            #[allow(unreachable_patterns, reason = "which kernels are left depends on the target")]
            _ => present(None, self),
        }
    }
}

/// How many messages under way the SHA extensions finish sooner than AVX-512: that takes as long for a block
/// of one lane as of sixteen, and with all of them is faster by a few per cent (Zen 4) to a half.
#[cfg(target_arch = "x86_64")]
const LEFT_TO_SHANI: usize = 12;

/// The work by a kernel that interleaves any number of messages, until one is left.
#[cfg(any(target_arch = "x86_64", all(target_arch = "aarch64", target_endian = "little")))]
fn interleaved_while_many<K: LaneKernel<2> + LaneKernel<4>>(work: &mut Work<'_, '_>, kernel: K) {
    // Two messages keep the instructions in use nearly as well as four, and better than three in four lanes.
    work.run::<4, _>(kernel, 3);
    work.run::<2, _>(kernel, 1);
}

/// All the work by such a kernel.
#[cfg(any(target_arch = "x86_64", all(target_arch = "aarch64", target_endian = "little")))]
fn interleaved<K>(work: &mut Work<'_, '_>, kernel: K)
where
    K: LaneKernel<1> + LaneKernel<2> + LaneKernel<4>,
{
    interleaved_while_many(work, kernel);
    work.run::<1, _>(kernel, 0);
}

/// The proof that the processor can run a kernel.
fn present<K>(detected: Option<K>, kernel: Kernel) -> K {
    detected.unwrap_or_else(|| panic!("this processor cannot run the SHA-256 kernel {}", kernel.name()))
}

/// The faster of two kernels by a short measurement: the second only if it is clearly so.
fn faster(first: Kernel, second: Kernel) -> Kernel {
    const MESSAGES: usize = 32;
    let bytes = [0x5a; 1024];
    let messages = [&bytes[..]; MESSAGES];
    let mut digests = [[0; 32]; MESSAGES];
    let mut shortest = [Duration::MAX; 2];
    // In turns, so that another program in between disturbs both; the first times are for the caches, and
    // for processors that power up wide vectors only when they are used.
    for _ in 0..8 {
        for (kernel, shortest) in [first, second].into_iter().zip(&mut shortest) {
            let start = Instant::now();
            kernel.run(black_box(&messages), &mut digests);
            black_box(&mut digests);
            *shortest = start.elapsed().min(*shortest);
        }
    }
    if shortest[1] < shortest[0].mul_f64(0.95) { second } else { first }
}

impl fmt::Display for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Kernel {
    type Err = KernelError;

    /// The kernel of this name, if this processor can run it.
    fn from_str(name: &str) -> Result<Kernel, KernelError> {
        let kernel = Kernel::ALL.into_iter().find(|kernel| kernel.name() == name);
        match kernel {
            Some(kernel) if kernel.is_available() => Ok(kernel),
            _ => Err(KernelError { name: name.to_owned(), exists: kernel.is_some() }),
        }
    }
}

/// A name that is not that of a kernel this processor can run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KernelError {
    name: String,
    exists: bool,
}

impl fmt::Display for KernelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.exists {
            write!(f, "this processor cannot run the SHA-256 kernel {:?}; it can run", self.name)?;
        } else {
            write!(f, "there is no SHA-256 kernel {:?}; this processor can run", self.name)?;
        }
        for (i, kernel) in Kernel::available().into_iter().enumerate() {
            write!(f, "{} {kernel}", if i == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

impl std::error::Error for KernelError {}
