//! Threads that are started when there is work for them, and waited for together.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

/// Threads of one kind.
pub(super) struct Threads {
    kind: &'static str,
    /// One for each that there can be at a time.
    places: Mutex<Vec<Option<JoinHandle<()>>>>,
}

impl Threads {
    /// Up to `most` at a time, each called by its kind and a number.
    pub(super) fn up_to(most: usize, kind: &'static str) -> Threads {
        Threads { kind, places: Mutex::new((0..most).map(|_| None).collect()) }
    }

    /// How many there can be at a time.
    pub(super) fn most(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Option<JoinHandle<()>>>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts one that does `work`, unless there are enough.
    ///
    /// # Errors
    ///
    /// Those of the system where it gives no thread.
    pub(super) fn start(&self, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
        let mut places = self.lock();
        let is_free = |place: &Option<JoinHandle<()>>| place.as_ref().is_none_or(JoinHandle::is_finished);
        if let Some(number) = places.iter().position(is_free) {
            let name = format!("{}-{number}", self.kind);
            places[number] = Some(thread::Builder::new().name(name).spawn(work)?);
        }
        Ok(())
    }

    /// Waits until the last one has ended.
    pub(super) fn join(&self) {
        loop {
            // One that ends may have started another.
            let Some(thread) = self.lock().iter_mut().find_map(Option::take) else { return };
            // Panics of jobs have been caught; nothing else is in a thread.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::mpsc::channel;

    #[test]
    fn no_more_than_allowed_and_all_waited_for() {
        let threads = Threads::up_to(2, "test");
        let (sender, receiver) = channel::<()>();
        let (started, starts) = channel();
        let receiver = Arc::new(Mutex::new(receiver));
        for _ in 0..5 {
            let (receiver, started) = (receiver.clone(), started.clone());
            threads
                .start(move || {
                    started.send(()).unwrap();
                    let _ = receiver.lock().unwrap().recv();
                })
                .unwrap();
        }
        drop((sender, started));
        threads.join();
        assert_eq!(starts.iter().count(), 2);
        let (started, starts) = channel();
        threads.start(move || started.send(()).unwrap()).unwrap();
        threads.join();
        assert_eq!(starts.iter().count(), 1);
    }
}
