//! Archives: a bundle as one tar file, or as volumes. There is exactly one archive of a bundle, because `header` is
//! used to write headers and to compare them with those that are read. Whatever `aicr pack` does not write is no
//! archive here, although a tar program might unpack it.
//!
//! The order of the entries is decided by whoever writes or reads them (`tree/pack.rs`, `tree/check_archive.rs`).
//! Files are opened there, too. Deliberately absent: directories, links, owners, extended attributes, and every other
//! form of tar.

pub(crate) mod header;
pub(crate) mod reader;
pub(crate) mod volume;
pub(crate) mod writer;

/// Everything in an archive begins at a multiple of this many bytes.
pub(crate) const BLOCK: usize = 512;

/// How many zeros follow this many bytes of content, up to the next block.
fn padding(size: u64) -> usize {
    let block = BLOCK as u64;
    // Smaller than a block.
    usize::try_from((block - size % block) % block).unwrap_or_default()
}
