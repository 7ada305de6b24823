//! Hashes the files of an archive on a thread of its own, while this thread reads and writes them.

use std::io::{self, Write as _};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;

use crate::digest::{BUFFER, HashingWriter, Sha256Digest};

/// How many buffers there are.
const BUFFERS: usize = 8;

/// What the hashing thread is given.
enum Message {
    /// A piece of a file: the first bytes of a buffer.
    Piece(Vec<u8>, usize),
    /// The file is complete.
    EndOfFile,
}

/// Takes the pieces of files, in order.
pub(super) struct Pieces {
    send: SyncSender<Message>,
    free: Receiver<Vec<u8>>,
}

impl Pieces {
    /// A buffer for the next piece.
    pub(super) fn buffer(&mut self) -> Vec<u8> {
        // Fails only if the other thread has ended, and then no result counts.
        self.free.recv().unwrap_or_else(|_| vec![0; BUFFER])
    }

    /// Hashes the first bytes of a buffer.
    pub(super) fn hash(&mut self, buffer: Vec<u8>, length: usize) {
        let _ = self.send.send(Message::Piece(buffer, length));
    }

    /// Ends a file.
    pub(super) fn end_file(&mut self) {
        let _ = self.send.send(Message::EndOfFile);
    }
}

/// Runs `work`, and returns its result and the digests of the files that it has ended.
pub(super) fn with_hasher<T>(work: impl FnOnce(&mut Pieces) -> T) -> (T, Vec<Sha256Digest>) {
    thread::scope(|scope| {
        let (send, received) = sync_channel(BUFFERS);
        let (give_back, free) = channel();
        for _ in 0..BUFFERS {
            // Cannot fail: the receiver is in this function.
            let _ = give_back.send(vec![0; BUFFER]);
        }
        let hashing = scope.spawn(move || hash(&received, &give_back));
        let mut pieces = Pieces { send, free };
        let result = work(&mut pieces);
        drop(pieces);
        (result, hashing.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
}

fn hash(received: &Receiver<Message>, give_back: &Sender<Vec<u8>>) -> Vec<Sha256Digest> {
    let new = || HashingWriter::new(io::sink());
    let mut digests = Vec::new();
    let mut hasher = new();
    for message in received {
        match message {
            Message::Piece(buffer, length) => {
                // Nothing is written, so nothing can fail.
                let _ = hasher.write_all(&buffer[..length]);
                let _ = give_back.send(buffer);
            }
            Message::EndOfFile => {
                let digest = std::mem::replace(&mut hasher, new()).finish();
                digests.push(digest.unwrap_or_default());
            }
        }
    }
    digests
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_hashed_in_order() {
        let contents: [Vec<u8>; 4] = [vec![], vec![1], vec![2; BUFFER], vec![3; 20 * BUFFER + 7]];
        let (count, digests) = with_hasher(|pieces| {
            let mut count = 0;
            for content in &contents {
                for piece in content.chunks(BUFFER) {
                    let mut buffer = pieces.buffer();
                    buffer[..piece.len()].copy_from_slice(piece);
                    pieces.hash(buffer, piece.len());
                    count += 1;
                }
                pieces.end_file();
            }
            count
        });
        assert_eq!(count, 23);
        assert_eq!(digests, contents.map(|content| Sha256Digest::of(&content)));
    }
}
