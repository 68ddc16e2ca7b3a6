"""When two names are one: the one rule that links and guards share."""

ALIKE = 0.86
"""Jaro-Winkler similarity from which two spellings count as one name (typing errors)."""

AGREE = f"""
create macro agree(a, b) as case
    when a is null or b is null then null
    when a = b then 1
    when length(a) = 1 or length(b) = 1 then if(left(a, 1) = left(b, 1), null, 0)
    when jaro_winkler_similarity(a, b) >= {ALIKE} then 1
    when least(length(a), length(b)) > 2 and abs(length(a) - length(b)) < 2
        and damerau_levenshtein(a, b) = 1 then 1
    when contains(a, ' ') or contains(b, ' ') then if(
        replace(a, ' ', '') = replace(b, ' ', '') or list_has_any(
            list_filter(split(a, ' '), lambda word: length(word) > 2), split(b, ' ')
        ), 1, 0
    )
    else 0
end
"""
"""SQL macro: 1 for the same name, 0 for two, null where one is missing or just an initial.

Millions of pairs are asked, so what is cheap and mostly decides comes first.
"""
