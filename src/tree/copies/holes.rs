//! Holes: parts of a sparse file, such as a disk image, that take no space. Blocks of zeros of such a file
//! are not written, so that its copy has holes too.

use rustix::fs::Stat;

use super::super::rooted_dir::{size, stored};

/// The size of a block that can be a hole. File systems with larger ones fill the hole with zeros.
const BLOCK: usize = 4096;

/// Whether a file takes less space than it has bytes.
pub(super) fn is_sparse(stat: &Stat) -> bool {
    stored(stat) < size(stat)
}

/// The parts of a piece that are not holes, with their offsets. The piece begins at the begin of a block.
pub(super) fn data(piece: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let is_data = |block: &&[u8]| block.iter().any(|byte| *byte != 0);
    let mut at = 0;
    std::iter::from_fn(move || {
        let holes = piece[at..].chunks(BLOCK).take_while(|block| !is_data(block));
        at = piece.len().min(at + holes.count() * BLOCK);
        let start = at;
        let blocks = piece[at..].chunks(BLOCK).take_while(is_data);
        at = piece.len().min(at + blocks.count() * BLOCK);
        (start < at).then(|| (start, &piece[start..at]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_of_zeros_are_holes() {
        // Each letter is a block: of zeros, of data, or with data at its end only.
        for (blocks, tail, expected) in [
            ("", 0, vec![]),
            ("", 10, vec![]),
            ("0000", 0, vec![]),
            ("0000", 10, vec![]),
            ("d", 0, vec![(0, 1)]),
            ("0d0", 0, vec![(1, 1)]),
            ("0de00d", 0, vec![(1, 2), (5, 1)]),
            ("ee0", 10, vec![(0, 2)]),
        ] {
            let mut piece = Vec::new();
            for block in blocks.bytes() {
                piece.extend([if block == b'd' { 7 } else { 0 }; BLOCK]);
                if block == b'e' {
                    *piece.last_mut().unwrap() = 7;
                }
            }
            piece.extend(vec![0; tail]);
            let found: Vec<_> =
                data(&piece).map(|(start, part)| (start / BLOCK, part.len() / BLOCK)).collect();
            assert_eq!(found, expected, "{blocks} {tail}");
        }
        assert_eq!(data(&[7; 10]).collect::<Vec<_>>(), [(0, &[7; 10][..])]);
    }
}
