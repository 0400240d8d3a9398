//! Choosing a kernel.

use super::super::{Kernel, digest_many_with};

#[test]
fn names_lead_back_to_their_kernels() {
    for kernel in Kernel::ALL {
        assert_eq!(Kernel::ALL.iter().filter(|other| other.name() == kernel.name()).count(), 1);
        assert_eq!(kernel.name().parse::<Kernel>().is_ok(), kernel.is_available());
        assert_eq!(kernel.to_string(), kernel.name());
        if kernel.is_available() {
            assert_eq!(kernel.name().parse(), Ok(kernel));
        }
    }
}

#[test]
fn there_is_always_one() {
    let available = Kernel::available();
    assert!(available.contains(&Kernel::Portable));
    assert!(available.contains(&Kernel::best()));
    assert!(available.contains(&Kernel::in_use()));
    assert!(available.iter().all(|kernel| (1..=16).contains(&kernel.lanes())));
}

/// What the processor can do is used.
#[test]
#[cfg(target_arch = "x86_64")]
fn instructions_are_found() {
    let has_sha = is_x86_feature_detected!("sha") && is_x86_feature_detected!("sse4.1");
    assert_eq!(Kernel::ShaNi.is_available(), has_sha);
    assert_eq!(Kernel::Avx2.is_available(), is_x86_feature_detected!("avx2"));
    assert!(Kernel::Sse2.is_available());
    assert!(!Kernel::Armv8.is_available());
    assert_ne!(Kernel::best(), Kernel::Portable);
}

#[test]
fn an_error_says_what_there_is() {
    let error = "no-such".parse::<Kernel>().unwrap_err().to_string();
    assert!(
        error.starts_with("there is no SHA-256 kernel \"no-such\"; this processor can run portable"),
        "{error}"
    );
    for kernel in Kernel::available() {
        assert!(error.contains(kernel.name()));
    }
    let Some(other) = Kernel::ALL.into_iter().find(|kernel| !kernel.is_available()) else { return };
    let error = other.name().parse::<Kernel>().unwrap_err().to_string();
    assert!(error.starts_with(&format!("this processor cannot run the SHA-256 kernel {:?}; ", other.name())));
}

/// Forcing what is not there must never come to running its instructions.
#[test]
fn a_kernel_that_is_not_there_panics() {
    for kernel in Kernel::ALL.into_iter().filter(|kernel| !kernel.is_available()) {
        let hashed = std::panic::catch_unwind(|| digest_many_with(kernel, &[b"abc"], &mut [[0; 32]]));
        assert!(hashed.is_err(), "{kernel}");
    }
}
