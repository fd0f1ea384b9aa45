//! Apple's `Info.plist`, read within bounds: in its binary form a small file can mean values nested without end, and the
//! same value a billion times.

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::cell::Cell;
use std::fmt;

/// How deep values may stand in each other.
const DEPTH_MAX: u32 = 64;

/// What all values together may come to, in bytes: several times what the largest file holds if it means each once.
const VALUE_BYTES_MAX: usize = 4 << 20;

/// What every value counts for beside its text: reading one out of a binary file costs more than its bytes.
const VALUE_BYTES: usize = 64;

/// What an `Info.plist` says of an app.
pub(super) struct InfoPlist {
    pub(super) bundle_identifier: Option<String>,
    pub(super) background_modes: Vec<String>,
}

/// Reads the file's `bytes`, in any of the three forms.
pub(super) fn parse(bytes: &[u8]) -> Result<InfoPlist, plist::Error> {
    let Bounded(document) = plist::from_bytes(bytes)?;
    let Part::Table(members) = document else { return Err(wrong("a dictionary")) };
    let (mut bundle_identifier, mut background_modes) = (None, Vec::new());
    for (name, value) in members {
        match (name.as_str(), value) {
            ("CFBundleIdentifier", Part::Text(text)) => bundle_identifier = Some(text),
            ("CFBundleIdentifier", _) => return Err(wrong("a text as `CFBundleIdentifier`")),
            ("UIBackgroundModes", Part::List(modes)) => background_modes = texts(modes)?,
            ("UIBackgroundModes", _) => return Err(wrong(MODES)),
            (_, _) => {}
        }
    }
    Ok(InfoPlist { bundle_identifier, background_modes })
}

const MODES: &str = "an array of texts as `UIBackgroundModes`";

fn texts(parts: Vec<Part>) -> Result<Vec<String>, plist::Error> {
    let text = |part| if let Part::Text(text) = part { Ok(text) } else { Err(wrong(MODES)) };
    parts.into_iter().map(text).collect()
}

fn wrong(allowed: &str) -> plist::Error {
    plist::Error::custom(format_args!("expected {allowed}"))
}

/// A value, as far as it may matter.
enum Part {
    Text(String),
    List(Vec<Part>),
    Table(Vec<(String, Part)>),
    /// A number, a date, bytes.
    Other,
}

/// A whole document.
struct Bounded(Part);

impl<'de> Deserialize<'de> for Bounded {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let left_bytes = Cell::new(VALUE_BYTES_MAX);
        Within { depth_left: DEPTH_MAX, left_bytes: &left_bytes }.deserialize(deserializer).map(Self)
    }
}

/// Reads one value, within what is left.
#[derive(Clone, Copy)]
struct Within<'a> {
    depth_left: u32,
    left_bytes: &'a Cell<usize>,
}

impl Within<'_> {
    fn spend<E: Error>(&self, bytes: usize) -> Result<(), E> {
        let left = self.left_bytes.get().checked_sub(bytes.saturating_add(VALUE_BYTES));
        let left = left
            .ok_or_else(|| E::custom(format_args!("its values come to more than {VALUE_BYTES_MAX} bytes")))?;
        self.left_bytes.set(left);
        Ok(())
    }

    fn deeper<E: Error>(self) -> Result<Self, E> {
        self.spend(0)?;
        let depth_left = self.depth_left.checked_sub(1);
        let depth_left = depth_left
            .ok_or_else(|| E::custom(format_args!("its values are nested deeper than {DEPTH_MAX}")))?;
        Ok(Self { depth_left, ..self })
    }

    fn other<E: Error>(self, bytes: usize) -> Result<Part, E> {
        self.spend(bytes).map(|()| Part::Other)
    }
}

impl<'de> DeserializeSeed<'de> for Within<'_> {
    type Value = Part;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Part, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Within<'_> {
    type Value = Part;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value of a property list")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Part, E> {
        self.other(0)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Part, E> {
        self.other(0)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Part, E> {
        self.other(0)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Part, E> {
        self.other(0)
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Part, E> {
        self.other(bytes.len())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Part, E> {
        self.spend(text.len())?;
        Ok(Part::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Part, A::Error> {
        let within = self.deeper()?;
        let mut parts = Vec::new();
        while let Some(part) = list.next_element_seed(within)? {
            parts.push(part);
        }
        Ok(Part::List(parts))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut table: A) -> Result<Part, A::Error> {
        let within = self.deeper()?;
        let mut members = Vec::new();
        while let Some(name) = table.next_key_seed(within)? {
            let Part::Text(name) = name else { return Err(Error::custom("a key is not a text")) };
            members.push((name, table.next_value_seed(within)?));
        }
        Ok(Part::Table(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(bytes: &[u8]) -> String {
        parse(bytes).err().map(|error| error.to_string()).unwrap_or_default()
    }

    /// A binary property list of these objects, the first of which is the root.
    fn binary(objects: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = b"bplist00".to_vec();
        let mut offsets = Vec::new();
        for object in objects {
            offsets.push(u32::try_from(bytes.len()).expect("a small file"));
            bytes.extend(object);
        }
        let table = bytes.len() as u64;
        bytes.extend(offsets.iter().flat_map(|offset| offset.to_be_bytes()));
        // Offsets of four bytes, references of one.
        bytes.extend([0, 0, 0, 0, 0, 0, 4, 1]);
        for number in [objects.len() as u64, 0, table] {
            bytes.extend(number.to_be_bytes());
        }
        bytes
    }

    #[test]
    fn values_nested_without_end_are_refused_in_every_form() {
        let levels = 100_000;
        let xml = format!(
            "<?xml version=\"1.0\"?><plist version=\"1.0\"><dict><key>k</key>{}{}</dict></plist>",
            "<array>".repeat(levels),
            "</array>".repeat(levels)
        );
        let text = format!("{{ k = {}{}; }}", "(".repeat(levels), ")".repeat(levels));
        // Every object is an array of the next one.
        let nested: Vec<_> = (1..=200_u8).map(|next| vec![0xa1, next]).chain([vec![0xa0]]).collect();
        for bytes in [xml.into_bytes(), text.into_bytes(), binary(&nested)] {
            let refusal = refusal(&bytes);
            assert!(refusal.contains("its values are nested deeper than 64"), "{refusal}");
        }
    }

    #[test]
    fn a_small_file_that_means_a_billion_values_is_refused() {
        // Each object is an array of two times the next: 2⁶⁰ of the last.
        let doubling: Vec<_> = (1..=60_u8).map(|next| vec![0xa2, next, next]).chain([vec![0x08]]).collect();
        let refusal = refusal(&binary(&doubling));
        assert!(refusal.contains("its values come to more than 4194304 bytes"), "{refusal}");
    }

    #[test]
    fn what_does_not_matter_may_be_anything() {
        let bytes =
            b"<plist version=\"1.0\"><dict><key>a</key><integer>-1</integer><key>b</key><real>1.5</real>\
            <key>c</key><date>2018-12-01T00:00:00Z</date><key>d</key><data>AAAA</data><key>e</key><true/>\
            <key>f</key><dict><key>UIBackgroundModes</key><false/></dict>\
            <key>CFBundleIdentifier</key><string>a.b</string></dict></plist>";
        let info = parse(bytes).expect("a property list");
        assert_eq!((info.bundle_identifier.as_deref(), info.background_modes.len()), (Some("a.b"), 0));
        let wrong =
            "<plist version=\"1.0\"><dict><key>UIBackgroundModes</key><string>fetch</string></dict></plist>";
        assert!(refusal(wrong.as_bytes()).contains("expected an array of texts as `UIBackgroundModes`"));
    }
}
