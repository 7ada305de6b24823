//! One file for each command, and the files that several commands share. They are the only ones that know both
//! `tree` (files) and `cosign`.

pub(crate) mod bundle;
pub(crate) mod bundle_check;
pub(crate) mod bundle_sign;
pub(crate) mod doctor;
mod foreign_release;
pub(crate) mod inspect;
pub(crate) mod not_a_bundle;
pub(crate) mod pack;
pub(crate) mod receipt;
mod received;
mod received_archive;
pub(crate) mod services;
pub(crate) mod sheet;
mod signatures;
pub(crate) mod signing;
pub(crate) mod trust;
mod trusted_key;
mod typed_password;
pub(crate) mod unchanged;
pub(crate) mod verify;
