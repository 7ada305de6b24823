//! The value of `--shard`.

use crate::error::{Failure, Result};
use crate::plan::value::UNSET_VARIABLE;
use crate::printable::show;
use crate::shard::Shard;

/// The shard `I/N`.
pub(super) fn parse(typed: &str) -> Result<Shard> {
    let refused = |why: &str| Failure::usage(format!("--shard `{}` {why}", show(typed)));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let malformed = "is not I/N, as in 2/8: the number of the shard, and how many there are";
    let (index, of) = match typed.split_once('/') {
        Some((index, of)) if is_number(index) && is_number(of) => (index, of),
        // `--shard "$TASK/$COUNT"`
        Some((index, of)) if index.is_empty() || of.is_empty() => {
            return Err(refused(malformed).hint(UNSET_VARIABLE));
        }
        None if typed.is_empty() => return Err(refused(malformed).hint(UNSET_VARIABLE)),
        Some(_) | None => return Err(refused(malformed).hint("write --shard 2/8 for the second of eight")),
    };
    let (Ok(index), Ok(of)) = (index.parse(), of.parse()) else {
        return Err(refused("has a number that is too large").hint(format!("use at most {}", u32::MAX)));
    };
    Shard::new(index, of).ok_or_else(|| match (index, of) {
        (_, 0) => refused("has no shards: there must be at least one")
            .hint("write --shard 1/1, or leave it out, to verify the whole bundle in one job"),
        (0, of) => refused("does not exist: the first shard is 1, and array jobs often count from 0")
            .hint(format!("let the jobs count from 1, or add 1: --shard $((INDEX + 1))/{of}")),
        (_, of) => refused("does not exist: the number of the shard is above the number of shards")
            .hint(format!("use the numbers 1 to {of}")),
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::refused;
    use super::*;

    #[test]
    fn the_shards_that_exist() {
        for (typed, index, of) in
            [("1/1", 1, 1), ("2/8", 2, 8), ("02/08", 2, 8), ("1/4294967295", 1, u32::MAX)]
        {
            assert_eq!(parse(typed).unwrap(), Shard::new(index, of).unwrap());
        }
    }

    #[test]
    fn every_refusal_says_what_to_do() {
        let malformed = "is not I/N, as in 2/8: the number of the shard, and how many there are";
        let unset = "an unset variable in the command line is the usual cause";
        let second = "write --shard 2/8 for the second of eight";
        let above = "does not exist: the number of the shard is above the number of shards";
        for (typed, why, hint) in [
            ("", malformed, unset),
            ("/", malformed, unset),
            ("/8", malformed, unset),
            ("2/", malformed, unset),
            ("2", malformed, second),
            ("2-8", malformed, second),
            ("+2/8", malformed, second),
            ("-2/8", malformed, second),
            ("2/8/8", malformed, second),
            ("two/8", malformed, second),
            (" 2/8", malformed, second),
            ("1/4294967296", "has a number that is too large", "use at most 4294967295"),
            (
                "1/0",
                "has no shards: there must be at least one",
                "write --shard 1/1, or leave it out, to verify the whole bundle in one job",
            ),
            (
                "0/0",
                "has no shards: there must be at least one",
                "write --shard 1/1, or leave it out, to verify the whole bundle in one job",
            ),
            (
                "0/8",
                "does not exist: the first shard is 1, and array jobs often count from 0",
                "let the jobs count from 1, or add 1: --shard $((INDEX + 1))/8",
            ),
            ("9/8", above, "use the numbers 1 to 8"),
            ("2/1", above, "use the numbers 1 to 1"),
        ] {
            refused(&["--key=k", &format!("--shard={typed}")], &format!("--shard `{typed}` {why}"), hint);
        }
    }

    #[test]
    fn what_a_shard_cannot_be_used_with() {
        for (other, why) in [
            ("--checksums-only", "only a signature shows that all shards are of one bundle"),
            ("--copy-to=d", "a shard has only some of the files"),
            ("--receipt=r", "a receipt is about a whole bundle"),
            ("--allow-missing", "a shard does not show which files the others have"),
        ] {
            let flag = other.split('=').next().unwrap();
            refused(
                &["--shard=1/2", other],
                &format!("--shard cannot be used with {flag}: {why}"),
                &format!("leave out --shard, or leave out {flag}"),
            );
        }
    }
}
