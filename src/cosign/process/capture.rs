//! Reads the output of a program while it runs.

use std::io::{PipeReader, Read};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

use anyhow::Context;

use crate::error::Result;

/// How much of each output stream is kept, in bytes. The rest is read and dropped, so that a
/// program that prints without end fills neither memory nor its pipe.
pub(super) const OUTPUT_LIMIT: usize = 1 << 20;
/// How long to wait for the rest of the output after the program has ended.
const DRAIN: Duration = Duration::from_millis(500);

/// Reads a stream in a thread, into a bounded buffer.
pub(super) struct Capture {
    buffer: Arc<Mutex<Vec<u8>>>,
    done: mpsc::Receiver<()>,
}

impl Capture {
    pub(super) fn start(mut stream: PipeReader) -> Result<Self> {
        let buffer = Arc::new(Mutex::new(Vec::new()));
        let (ended, done) = mpsc::channel();
        let shared = Arc::clone(&buffer);
        let read = move || {
            let mut piece = vec![0; 64 << 10];
            while let Ok(length) = stream.read(&mut piece) {
                if length == 0 {
                    break;
                }
                let mut buffer = shared.lock().unwrap_or_else(PoisonError::into_inner);
                let free = OUTPUT_LIMIT.saturating_sub(buffer.len());
                buffer.extend_from_slice(&piece[..length.min(free)]);
            }
            drop(stream);
            // The receiver may be gone.
            let _ = ended.send(());
        };
        std::thread::Builder::new().spawn(read).context("start a thread that reads what cosign prints")?;
        Ok(Self { buffer, done })
    }

    /// The complete lines after the first `heard` bytes.
    pub(super) fn lines_from(&self, heard: &mut usize) -> Vec<String> {
        let buffer = self.buffer.lock().unwrap_or_else(PoisonError::into_inner);
        let new = buffer.get(*heard..).unwrap_or_default();
        let whole = new.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        *heard += whole;
        String::from_utf8_lossy(&new[..whole]).lines().map(str::to_owned).collect()
    }

    /// Waits for the end of the stream. If a process keeps the pipe open, the thread goes on by
    /// itself.
    pub(super) fn wait(&self) {
        let _ = self.done.recv_timeout(DRAIN);
    }

    /// The output so far.
    pub(super) fn finish(self) -> Vec<u8> {
        self.wait();
        std::mem::take(&mut *self.buffer.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
