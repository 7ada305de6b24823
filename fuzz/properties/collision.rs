//! In a list of names, one in each line, a collision is found exactly if there is one.

use std::borrow::Cow;

use crate::tree::collision::{Collision, find, fold};
use crate::tree::name::check;

pub(super) fn holds(text: &[u8]) {
    let mut names: Vec<&str> =
        text.split(|byte| *byte == b'\n').filter_map(|name| check(name).ok()).take(40).collect();
    names.sort_unstable();
    for folding in [false, true] {
        let form = |name: &'_ str| if folding { fold(name).into_owned() } else { name.to_owned() };
        let of_two =
            |(place, one): (usize, &&str)| names[place + 1..].iter().any(|other| collide(one, other, form));
        let found = find(names.len(), |place| names[place], folding);
        assert_eq!(found.is_some(), names.iter().enumerate().any(of_two), "{names:?}");
        let Some(Collision { first, first_file, second, second_file }) = found else { continue };
        assert!(first_file < second_file);
        for (path, file) in [(first, first_file), (second, second_file)] {
            let rest = names[file].strip_prefix(path);
            assert!(rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')), "{path}");
        }
        let split = |path: &str| {
            let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
            (directory.to_owned(), form(name))
        };
        assert_eq!(split(first), split(second));
    }
    for name in names {
        // Folding a folded name changes nothing.
        let folded = name.split('/').map(fold).collect::<Vec<Cow<'_, str>>>();
        assert!(folded.iter().all(|name| fold(name) == *name), "{name}");
    }
}

/// Whether two files cannot both exist: the first different components have the same form, or one file is
/// a directory of the other.
fn collide(one: &str, other: &str, form: impl Fn(&str) -> String) -> bool {
    let (mut one, mut other) = (one.split('/'), other.split('/'));
    loop {
        match (one.next(), other.next()) {
            (Some(one), Some(other)) if one == other => {}
            (Some(one), Some(other)) => return form(one) == form(other),
            _ => return true,
        }
    }
}
