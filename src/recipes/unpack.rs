//! The command with which a receiver unpacks an archive. It has no top directory, so one is created.

use camino::Utf8Path;

use crate::printable::quoted_path;

/// The name of the directory in which the archive with this name is unpacked.
pub(crate) fn directory(archive: &str) -> String {
    match archive.strip_suffix(".tar").filter(|stem| !stem.is_empty()) {
        Some(stem) => stem.to_owned(),
        None => format!("{archive}.d"),
    }
}

/// The command that unpacks the archive with this name, which lies in the working directory.
pub(crate) fn command(archive: &str, has_volumes: bool) -> String {
    let into = directory(archive);
    if has_volumes {
        let (into, archive) = (word(&into), word(archive));
        format!("mkdir {into} && cat {archive}.[0-9]* | tar -C {into} -xf -")
    } else {
        command_into(&into, Utf8Path::new(archive))
    }
}

/// The command that unpacks a tar file in a new directory.
pub(crate) fn command_into(directory: &str, file: &Utf8Path) -> String {
    let (into, file) = (word(directory), quoted_path(file));
    format!("mkdir {into} && tar -C {into} -xf {file}")
}

fn word(name: &str) -> String {
    quoted_path(Utf8Path::new(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_that_unpacks() {
        for (name, has_volumes, expected) in [
            ("r-1.4.tar", false, "mkdir r-1.4 && tar -C r-1.4 -xf r-1.4.tar"),
            ("r-1.4.tar", true, "mkdir r-1.4 && cat r-1.4.tar.[0-9]* | tar -C r-1.4 -xf -"),
            ("my r", false, "mkdir 'my r.d' && tar -C 'my r.d' -xf 'my r'"),
            ("my r.tar", true, "mkdir 'my r' && cat 'my r.tar'.[0-9]* | tar -C 'my r' -xf -"),
            ("-r.tar", false, "mkdir ./-r && tar -C ./-r -xf ./-r.tar"),
            (".tar", false, "mkdir .tar.d && tar -C .tar.d -xf .tar"),
        ] {
            assert_eq!(command(name, has_volumes), expected);
        }
    }
}
