//! The system's own strings in JSON: text where they are UTF-8, an array of bytes where they are not.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Native {
    Text(String),
    Bytes(Vec<u8>),
}

impl Native {
    fn new(string: &std::ffi::OsStr) -> Self {
        match string.to_str() {
            Some(text) => Native::Text(text.to_owned()),
            None => Native::Bytes(string.as_bytes().to_vec()),
        }
    }

    fn into_os(self) -> OsString {
        match self {
            Native::Text(text) => text.into(),
            Native::Bytes(bytes) => OsString::from_vec(bytes),
        }
    }
}

/// For one string.
pub(super) mod text {
    use super::{Deserialize, Deserializer, Native, OsString, Serialize, Serializer};

    pub(in crate::launch) fn serialize<S: Serializer>(value: &OsString, to: S) -> Result<S::Ok, S::Error> {
        Native::new(value).serialize(to)
    }

    pub(in crate::launch) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<OsString, D::Error> {
        Native::deserialize(from).map(Native::into_os)
    }
}

/// For a path.
pub(super) mod path {
    use std::path::{Path, PathBuf};

    use super::{Deserialize, Deserializer, Native, Serialize, Serializer};

    pub(in crate::launch) fn serialize<S: Serializer>(value: &Path, to: S) -> Result<S::Ok, S::Error> {
        Native::new(value.as_os_str()).serialize(to)
    }

    pub(in crate::launch) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<PathBuf, D::Error> {
        Native::deserialize(from).map(|native| native.into_os().into())
    }
}

/// For a list of strings.
pub(super) mod texts {
    use super::{Deserialize, Deserializer, Native, OsString, Serializer};

    pub(in crate::launch) fn serialize<S: Serializer>(values: &[OsString], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(values.iter().map(|value| Native::new(value)))
    }

    pub(in crate::launch) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Vec<OsString>, D::Error> {
        Vec::<Native>::deserialize(from).map(|all| all.into_iter().map(Native::into_os).collect())
    }
}

/// For pairs of strings, as in an environment.
pub(super) mod pairs {
    use super::{Deserialize, Deserializer, Native, OsString, Serializer};

    type Pairs = Vec<(OsString, OsString)>;

    pub(in crate::launch) fn serialize<S: Serializer>(
        values: &[(OsString, OsString)],
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.collect_seq(values.iter().map(|(name, value)| (Native::new(name), Native::new(value))))
    }

    pub(in crate::launch) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Pairs, D::Error> {
        let all = Vec::<(Native, Native)>::deserialize(from)?;
        Ok(all.into_iter().map(|(name, value)| (name.into_os(), value.into_os())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::launch::Spec;

    #[test]
    fn strings_that_are_not_utf_8_survive() {
        let odd = OsString::from_vec(vec![b'a', 0xff, b'b']);
        let mut spec = Spec::new(odd.clone());
        spec.arguments = vec!["plain".into(), odd.clone()];
        spec.environment = vec![("NAME".into(), odd.clone())];
        spec.directory = odd.into();
        let json = serde_json::to_string(&spec).expect("serialises");
        assert!(json.contains("\"plain\""), "text stays text: {json}");
        assert_eq!(serde_json::from_str::<Spec>(&json).expect("parses"), spec);
    }
}
