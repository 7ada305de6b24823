//! A shard: one of N parts of a bundle, each of which another job verifies. Pure. `tree/shard.rs` says to which shard
//! an unlisted file belongs.

use std::fmt;

use serde::Serialize;

/// The shard `index` of `of`; both are at least 1, and `index` is at most `of`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Shard {
    index: u32,
    of: u32,
}

impl Shard {
    /// `None` if there is no such shard.
    pub(crate) fn new(index: u32, of: u32) -> Option<Self> {
        (1..=of).contains(&index).then_some(Self { index, of })
    }

    /// Whether what has this place in a list, from zero on, belongs to this shard.
    ///
    /// The shards take turns, so each gets as many as the others, or one fewer, and neighbours, which often have the
    /// same size, go to different shards. Each round begins one shard later. Otherwise one shard of two would get all
    /// large files where each is followed by a small one, such as its checksum.
    pub(crate) fn has(self, place: usize) -> bool {
        let (place, of) = (place as u64, u64::from(self.of));
        (place + place / of) % of == u64::from(self.index) - 1
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "shard {} of {}", self.index, self.of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The places below `count` of the shard `index` of `of`.
    fn places(index: u32, of: u32, count: usize) -> Vec<usize> {
        let shard = Shard::new(index, of).unwrap();
        (0..count).filter(|place| shard.has(*place)).collect()
    }

    #[test]
    fn which_shards_there_are() {
        for (index, of, exists) in [
            (1, 1, true),
            (3, 3, true),
            (1, u32::MAX, true),
            (0, 3, false),
            (4, 3, false),
            (0, 0, false),
            (1, 0, false),
        ] {
            assert_eq!(Shard::new(index, of).is_some(), exists, "{index}/{of}");
        }
        assert_eq!(Shard::new(2, 3).unwrap().to_string(), "shard 2 of 3");
    }

    #[test]
    fn the_shards_take_turns() {
        assert_eq!(places(1, 1, 4), [0, 1, 2, 3]);
        assert_eq!(places(1, 2, 8), [0, 3, 4, 7]);
        assert_eq!(places(2, 2, 8), [1, 2, 5, 6]);
        assert_eq!(places(1, 3, 9), [0, 5, 7]);
        assert_eq!(places(3, 9, 2), [0; 0]);
        assert_eq!(places(u32::MAX, u32::MAX, 1000), [0; 0]);
    }

    #[test]
    fn each_place_belongs_to_one_shard_and_shards_have_the_same_size() {
        for (of, count) in (1..20).flat_map(|of| [0, 1, 7, 100].map(|count| (of, count))) {
            let shards: Vec<_> = (1..=of).map(|index| places(index, of, count)).collect();
            let sizes = || shards.iter().map(Vec::len);
            assert!(sizes().max().unwrap() - sizes().min().unwrap() <= 1, "{of} {count}");
            let mut all = shards.concat();
            all.sort_unstable();
            assert_eq!(all, (0..count).collect::<Vec<_>>(), "{of} {count}");
        }
    }
}
