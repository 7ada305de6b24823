//! `--receipt`: writes the receipt of a verification. It never replaces a file, because an auditor may need that one.

use camino::Utf8Path;
use rustix::fs::AtFlags;

use super::new_file::NewFile;
use crate::error::{Class, Failure, Result};

/// The path of the file, checked.
#[derive(Debug)]
pub(crate) struct ReceiptFile(NewFile);

impl ReceiptFile {
    /// Checks the path before any work: its directory exists, it is in none of the `places`, and nothing is there.
    /// Otherwise it is exit 2.
    pub(crate) fn new(path: &Utf8Path, places: &[&Utf8Path]) -> Result<Self> {
        let file =
            NewFile::new("--receipt", path, places, "choose a file outside the bundle and outside its copy")?;
        if file.directory()?.stat(file.name()).is_ok() {
            return Err(Failure::usage(format!("{} exists", file.shown()))
                .hint("choose another file; aicr does not replace a receipt"));
        }
        file.is_creatable()?;
        Ok(Self(file))
    }

    /// Writes the receipt, which is on the disk afterwards.
    pub(crate) fn write(&self, receipt: &[u8]) -> Result<()> {
        if self.0.create(receipt)? {
            return Ok(());
        }
        Err(Failure::new(
            Class::Broken,
            format!("{} was created by another program during this run", self.0.shown()),
        ))
    }

    /// Removes the receipt again, because the run has failed after all.
    pub(crate) fn remove(&self) {
        if let Ok(directory) = self.0.directory() {
            // The failure of the run is reported, not one from here.
            let _ = rustix::fs::unlinkat(&directory, self.0.name(), AtFlags::empty());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receipt_never_replaces_a_file() {
        let top = tempfile::tempdir().unwrap();
        let path = Utf8Path::from_path(top.path()).unwrap();
        let receipt = path.join("r.json");
        let file = ReceiptFile::new(&receipt, &[]).unwrap();
        file.write(b"one").unwrap();
        let failure = file.write(b"two").unwrap_err();
        let message = format!("--receipt {receipt} was created by another program during this run");
        assert_eq!((failure.class(), failure.message()), (Class::Broken, message.as_str()));
        assert_eq!(std::fs::read(&receipt).unwrap(), b"one");
        file.remove();
        assert_eq!(std::fs::read_dir(path).unwrap().count(), 0);
    }
}
