//! Words of messages.

/// Lists what is possible: `a, b or c`.
pub(crate) fn any_of(items: &[impl AsRef<str>]) -> String {
    list(items, " or ")
}

/// Lists what there is: `a, b and c`.
pub(crate) fn all_of(items: &[impl AsRef<str>]) -> String {
    list(items, " and ")
}

fn list(items: &[impl AsRef<str>], before_last: &str) -> String {
    let mut list = String::new();
    for (position, item) in items.iter().enumerate() {
        list.push_str(match items.len() - position {
            _ if position == 0 => "",
            1 => before_last,
            _ => ", ",
        });
        list.push_str(item.as_ref());
    }
    list
}

#[cfg(test)]
mod tests {
    use super::{all_of, any_of};

    #[test]
    fn lists_as_people_do() {
        for (items, any, all) in [
            (&[][..], "", ""),
            (&["a"], "a", "a"),
            (&["a", "b"], "a or b", "a and b"),
            (&["a", "b", "c"], "a, b or c", "a, b and c"),
        ] {
            assert_eq!((any_of(items), all_of(items)), (any.into(), all.into()));
        }
    }
}
