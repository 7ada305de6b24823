//! Compares the volumes of an archive with the file that has their checksums, to say which of them to carry again. That
//! proves nothing: whoever changed a volume may have changed the file.

use super::Work;
use super::archive_input::Volumes;
use crate::archive::volume::{self, MAX_CHECKSUMS};
use crate::digest::{BUFFER, HashError, hash_file};
use crate::error::Result;
use crate::printable::show;

/// The hint which volumes to carry again; `None` if there are no checksums of this archive.
pub(crate) fn hint(volumes: &Volumes, work: &Work<'_>) -> Result<Option<String>> {
    let name = volume::checksums(&volumes.name);
    let Ok(text) = volumes.directory.read_small(name.as_bytes(), MAX_CHECKSUMS) else { return Ok(None) };
    let Some(digests) = volume::read(&volumes.name, &text) else { return Ok(None) };
    let mut buffer = vec![0; BUFFER];
    let mut wrong = Vec::new();
    for (number, digest) in (1..).zip(digests) {
        let hashed = volumes.open(number).map(|file| {
            let size = file.metadata().map_or(0, |metadata| metadata.len());
            work.progress.expect(size);
            hash_file(&file, size, &mut buffer, true, |piece| {
                work.progress.read(piece.len());
                work.interrupt.check()
            })
        });
        match hashed {
            Some(Ok((found, _))) if found == digest => {}
            Some(Err(HashError::Stopped(failure))) => return Err(failure),
            // Missing, unreadable, or another one.
            None | Some(Ok(_) | Err(HashError::Read(_))) => wrong.push(number),
        }
    }
    Ok(Some(words(&wrong, &show(name))))
}

/// The hint about these volumes. `name` is the file with the checksums.
fn words(wrong: &[u32], name: &str) -> String {
    let list: Vec<String> = wrong.iter().map(|number| format!("{number:03}")).collect();
    match &list[..] {
        [] => format!("all volumes are as {name} lists them: carrying them again does not help"),
        [one] => format!("carry {one} again: it is missing, or not as {name} lists it"),
        [others @ .., last] => {
            format!(
                "carry {} and {last} again: they are missing, or not as {name} lists them",
                others.join(", ")
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_volumes_to_carry_again() {
        for (wrong, expected) in [
            (&[][..], "all volumes are as r.sha256 lists them: carrying them again does not help"),
            (&[3], "carry 003 again: it is missing, or not as r.sha256 lists it"),
            (&[3, 7], "carry 003 and 007 again: they are missing, or not as r.sha256 lists them"),
            (&[1, 3, 700], "carry 001, 003 and 700 again: they are missing, or not as r.sha256 lists them"),
        ] {
            assert_eq!(words(wrong, "r.sha256"), expected);
        }
    }
}
