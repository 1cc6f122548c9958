//! Which setting a variable or a key names.

use super::setting::Setting;
use super::table::TABLE;

/// The setting of this name.
pub(super) fn named(name: &str) -> Option<&'static Setting> {
    TABLE.iter().find(|setting| setting.name == name)
}

/// The setting that a variable of the environment or `.env` names, and whether it names a file that holds the value.
pub(super) fn named_by_variable(variable: &str) -> Option<(&'static Setting, bool)> {
    TABLE.iter().find_map(|setting| {
        let (short, long) = (setting.variable(), setting.long_variable());
        if variable == short || variable == long {
            return Some((setting, false));
        }
        let by_file = setting.secret
            && (variable.strip_suffix("FILE") == Some(&short)
                || variable.strip_suffix("_FILE") == Some(&long));
        by_file.then_some((setting, true))
    })
}

/// The setting that a key of the file names, and whether it names a file that holds the value.
pub(super) fn named_by_key(key: &str) -> Option<(&'static Setting, bool)> {
    if let Some(setting) = named(key) {
        return Some((setting, false));
    }
    let setting = named(key.strip_suffix("_file")?)?;
    setting.secret.then_some((setting, true))
}
