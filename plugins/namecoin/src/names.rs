//! Name operations: the prefix that an output script may have before the script of its owner.
//!
//! Source: Namecoin Core's `script/names.cpp`; ElectrumX's `NameIndexMixin` for what wallets ask.

use electrode_plugin::{Reader, Truncated};

const OP_PUSHDATA1: u8 = 0x4c;
const OP_PUSHDATA2: u8 = 0x4d;
const OP_PUSHDATA4: u8 = 0x4e;
const OP_NAME_NEW: u8 = 0x51;
const OP_NAME_FIRSTUPDATE: u8 = 0x52;
const OP_NAME_UPDATE: u8 = 0x53;
const OP_RETURN: u8 = 0x6a;
const OP_2DROP: u8 = 0x6d;
const OP_DROP: u8 = 0x75;

/// Splits a script into the name that it registers or updates and the script of its owner.
///
/// A script without a name operation is its owner's as a whole, and so is one that ends inside a
/// push. A `NAME_NEW` hides its name behind a hash, so it has none.
pub(crate) fn split(script: &[u8]) -> (Option<&[u8]>, &[u8]) {
    match operation(script) {
        Ok(Some((name, owner))) if is_whole(owner) => (name, owner),
        _ => (None, script),
    }
}

/// Gives the script under whose hash wallets look a name up: an update of it to nothing that
/// nobody can spend.
///
/// Shape: `OP_NAME_UPDATE` ‖ push of the name ‖ empty push ‖ `OP_2DROP` ‖ `OP_DROP` ‖ `OP_RETURN`.
#[must_use]
pub fn name_script(name: &[u8]) -> Vec<u8> {
    let mut script = vec![OP_NAME_UPDATE];
    let len = name.len();
    match (u8::try_from(len), u16::try_from(len)) {
        (Ok(len), _) if len < OP_PUSHDATA1 => script.push(len),
        (Ok(len), _) => script.extend([OP_PUSHDATA1, len]),
        (_, Ok(len)) => {
            script.push(OP_PUSHDATA2);
            script.extend(len.to_le_bytes());
        }
        // No script is that long: its length is at most that of a block.
        _ => {
            script.push(OP_PUSHDATA4);
            script.extend(u32::try_from(len).unwrap_or(u32::MAX).to_le_bytes());
        }
    }
    script.extend(name);
    script.extend([0, OP_2DROP, OP_DROP, OP_RETURN]);
    script
}

/// A name, where it is known, and the script of its owner.
type Operation<'a> = (Option<&'a [u8]>, &'a [u8]);

/// Reads the name operation that a script starts with.
///
/// Shape: `NAME_NEW` hash `2DROP` · `NAME_FIRSTUPDATE` name salt value `2DROP` `2DROP` ·
/// `NAME_UPDATE` name value `2DROP` `DROP`.
fn operation(script: &[u8]) -> Result<Option<Operation<'_>>, Truncated> {
    let mut reader = Reader::new(script, 0);
    let opcode = reader.u8()?;
    let (pushes, drops): (usize, &[u8]) = match opcode {
        OP_NAME_NEW => (1, &[OP_2DROP]),
        OP_NAME_FIRSTUPDATE => (3, &[OP_2DROP, OP_2DROP]),
        OP_NAME_UPDATE => (2, &[OP_2DROP, OP_DROP]),
        _ => return Ok(None),
    };
    let mut name = None;
    for at in 0..pushes {
        let Some(push) = take_push(&mut reader)? else {
            return Ok(None);
        };
        if at == 0 && opcode != OP_NAME_NEW {
            name = Some(push);
        }
    }
    if reader.take(drops.len())? != drops {
        return Ok(None);
    }
    let owner = script.get(reader.offset()..).unwrap_or_default();
    Ok(Some((name, owner)))
}

/// Takes a push, or `None` and one byte where another opcode stands.
fn take_push<'a>(reader: &mut Reader<'a>) -> Result<Option<&'a [u8]>, Truncated> {
    let len = match reader.u8()? {
        OP_PUSHDATA1 => u32::from(reader.u8()?),
        OP_PUSHDATA2 => u32::from(u16::from_le_bytes(reader.array()?)),
        OP_PUSHDATA4 => reader.u32()?,
        opcode if opcode < OP_PUSHDATA1 => u32::from(opcode),
        _ => return Ok(None),
    };
    let offset = reader.offset();
    let len = usize::try_from(len).map_err(|_narrow_machine| Truncated { offset })?;
    reader.take(len).map(Some)
}

/// Tells whether no push of the script goes beyond its end.
fn is_whole(script: &[u8]) -> bool {
    let mut reader = Reader::new(script, 0);
    while reader.remaining() > 0 {
        if take_push(&mut reader).is_err() {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWNER: &[u8] = &[0x76, 0xa9, 1, 7, 0x88, 0xac];

    #[test]
    fn splits_every_operation() {
        for (prefix, name) in [
            (&[OP_NAME_NEW, 2, 9, 9, OP_2DROP][..], None),
            (
                &[
                    OP_NAME_FIRSTUPDATE,
                    3,
                    b'd',
                    b'/',
                    b'x',
                    1,
                    5,
                    0,
                    OP_2DROP,
                    OP_2DROP,
                ],
                Some(&b"d/x"[..]),
            ),
            (
                &[OP_NAME_UPDATE, OP_PUSHDATA1, 1, b'n', 0, OP_2DROP, OP_DROP],
                Some(b"n"),
            ),
            (&[], None),
        ] {
            let script = [prefix, OWNER].concat();
            assert_eq!(split(&script), (name, OWNER), "{script:02x?}");
        }
    }

    #[test]
    fn leaves_other_scripts_whole() {
        for script in [
            &[][..],
            &[OP_NAME_NEW],
            &[OP_NAME_NEW, OP_2DROP],
            &[OP_NAME_UPDATE, 1, 1, 1, 1, OP_2DROP, OP_2DROP],
            &[OP_NAME_UPDATE, 1, 1, 1, 1, OP_2DROP, OP_DROP, 5, 1],
            &[OP_NAME_UPDATE, OP_PUSHDATA4, 0xff, 0xff, 0xff, 0xff],
        ] {
            assert_eq!(split(script), (None, script), "{script:02x?}");
        }
    }

    #[test]
    fn pushes_names_of_every_length() {
        for (len, prefix) in [
            (3, &[OP_NAME_UPDATE, 3][..]),
            (75, &[OP_NAME_UPDATE, 75]),
            (76, &[OP_NAME_UPDATE, OP_PUSHDATA1, 76]),
            (255, &[OP_NAME_UPDATE, OP_PUSHDATA1, 255]),
            (256, &[OP_NAME_UPDATE, OP_PUSHDATA2, 0, 1]),
        ] {
            let script = name_script(&vec![b'n'; len]);
            assert!(script.starts_with(prefix), "{len}");
            assert_eq!(
                split(&script),
                (Some(&vec![b'n'; len][..]), &[OP_RETURN][..]),
                "{len}"
            );
        }
    }
}
