//! Hashes the files of an archive on a thread of its own, while this thread reads and writes them. Small files share a
//! buffer, since each buffer that is passed on wakes a thread.

use std::io::{self, Write as _};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;

use crate::digest::{BUFFER, HashingWriter, Sha256Digest};

/// How many buffers there are.
const BUFFERS: usize = 4;

/// The contents of files, one after the other.
#[derive(Default)]
struct Batch {
    buffer: Vec<u8>,
    filled: usize,
    /// Where files end in it, in ascending order.
    ends: Vec<usize>,
}

/// Takes the contents of files, in order.
pub(super) struct Pieces {
    batch: Batch,
    send: SyncSender<Batch>,
    free: Receiver<Batch>,
}

impl Pieces {
    /// Space for the next piece: at most `wanted` bytes, and at least one.
    pub(super) fn space(&mut self, wanted: u64) -> &mut [u8] {
        if self.batch.filled == self.batch.buffer.len() {
            self.pass_on();
            // Fails only if the other thread has ended, and then no result is used.
            self.batch = self.free.recv().unwrap_or_default();
            self.batch.buffer.resize(BUFFER, 0);
        }
        let Batch { buffer, filled, .. } = &mut self.batch;
        let length = usize::try_from(wanted).unwrap_or(usize::MAX).min(buffer.len() - *filled);
        &mut buffer[*filled..*filled + length]
    }

    /// This many bytes of that space were filled.
    pub(super) fn fill(&mut self, count: usize) {
        self.batch.filled += count;
    }

    /// Ends a file.
    pub(super) fn end_file(&mut self) {
        self.batch.ends.push(self.batch.filled);
    }

    fn pass_on(&mut self) {
        let _ = self.send.send(std::mem::take(&mut self.batch));
    }
}

/// Runs `work`, and returns its result and the digests of the files that it has ended.
pub(super) fn with_hasher<T>(work: impl FnOnce(&mut Pieces) -> T) -> (T, Vec<Sha256Digest>) {
    thread::scope(|scope| {
        let (send, received) = sync_channel(BUFFERS);
        let (give_back, free) = channel();
        for _ in 0..BUFFERS {
            // Cannot fail: the receiver is in this function.
            let _ = give_back.send(Batch::default());
        }
        let hashing = scope.spawn(move || hash(&received, &give_back));
        let mut pieces = Pieces { batch: Batch::default(), send, free };
        let result = work(&mut pieces);
        pieces.pass_on();
        drop(pieces);
        (result, hashing.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
}

fn hash(received: &Receiver<Batch>, give_back: &Sender<Batch>) -> Vec<Sha256Digest> {
    let new = || HashingWriter::new(io::sink());
    let mut digests = Vec::new();
    let mut hasher = new();
    for mut batch in received {
        let mut start = 0;
        // Nothing is written, so nothing can fail.
        for end in batch.ends.drain(..) {
            let _ = hasher.write_all(&batch.buffer[start..end]);
            start = end;
            digests.push(std::mem::replace(&mut hasher, new()).finish().unwrap_or_default());
        }
        let _ = hasher.write_all(&batch.buffer[start..batch.filled]);
        batch.filled = 0;
        let _ = give_back.send(batch);
    }
    digests
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_hashed_in_order() {
        let contents: [Vec<u8>; 7] =
            [vec![], vec![1], vec![2; BUFFER - 1], vec![], vec![3; BUFFER], vec![4; 20 * BUFFER + 7], vec![]];
        let ((), digests) = with_hasher(|pieces| {
            for content in &contents {
                let mut rest = &content[..];
                while !rest.is_empty() {
                    let space = pieces.space(rest.len() as u64);
                    let length = space.len();
                    assert!(length > 0 && length <= rest.len());
                    space.copy_from_slice(&rest[..length]);
                    pieces.fill(length);
                    rest = &rest[length..];
                }
                pieces.end_file();
            }
        });
        assert_eq!(digests, contents.map(|content| Sha256Digest::of(&content)));
    }

    #[test]
    fn no_files_have_no_digests() {
        assert_eq!(with_hasher(|_| 1), (1, Vec::new()));
    }
}
