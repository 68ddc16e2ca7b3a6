"""A labelled sample: what its files may hold, and what is counted."""

from pathlib import Path

import pytest

from orchestration_assets.errors import FatalError
from orchestration_assets.identity.sample import SampleResult, evaluate_sample
from orchestration_assets.identity.sample_files import birth_date, read_people
from orchestration_assets.identity.sample_map import SampleMap, read_map

HEADER = "nr,given,family,mail,mobile,born,home,town\n"
LEFT = (
    HEADER
    + """1,Ann,Quistorp,ann@x.org,06 40 11 22 33,1970-03-04,"7, rue des Lilas",Lyon
2,Paul,Vernay,paul@x.org,,,,
3,Zoe,Roth,zoe@x.org,06 40 11 22 44,,,Lyon
4,Louis,Petit,info@x.org,,,,
"""
)
RIGHT = (
    HEADER
    + """a,Anne,Quistorp,,+33640112233,04/03/1970,7 rue des lilas,LYON
b,Paul,Vernay,PAUL@x.org ,,,,
c,Robert,Roth,,0640112244,,,Paris
d,Marie,Dupont,info@x.org,,,,
"""
)
PAIRS = "one,other\n1,a\n2,b\n3,d\n"
MAP = """
id: nr
default_region: FR
columns: {first_name: given, last_name: family, email: mail, phone: mobile, birth_date: born,
  address: home, city: town}
"""


class Folder:
    """Files of one test."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, name: str, text: str) -> Path:
        path = self.path / name
        path.write_text(text, encoding="utf-8")
        return path

    def map(self, text: str = MAP) -> SampleMap:
        return read_map(self.write("map.yml", text))

    def evaluate(
        self, left: str = LEFT, right: str | None = RIGHT, truth: str = PAIRS, text: str = MAP
    ) -> SampleResult:
        return evaluate_sample(
            self.write("left.csv", left),
            None if right is None else self.write("right.csv", right),
            self.write("truth.csv", truth),
            self.map(text),
        )


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_pairs_across_two_files_are_counted(folder: Folder) -> None:
    result = folder.evaluate()
    assert (result.true_pairs, result.found_pairs, result.correct_pairs) == (3, 2, 2)
    assert result.precision == 1.0
    assert result.recall == pytest.approx(2 / 3)
    assert result.f1 == pytest.approx(0.8)
    assert result.records == 8
    assert result.weights_from == "packaged"
    assert result.peak_memory_mib > 20


def test_pairs_within_one_file_are_counted_and_each_true_pair_once(folder: Folder) -> None:
    doubled = LEFT + "5,Ann,Quistorp,ann@x.org,,,,\n6,ann,quistorp,ann@x.org,,,,\n"
    truth = "a,b\n1,5\n5,1\n1,6\n3,4\n"
    result = folder.evaluate(doubled, None, truth)
    # 5 and 6 are found together with 1, and the truth does not say so of 5 and 6.
    assert (result.true_pairs, result.found_pairs, result.correct_pairs) == (3, 3, 2)


def test_pairs_within_a_file_do_not_count_across_two(folder: Folder) -> None:
    doubled = LEFT + "5,Ann,Quistorp,ann@x.org,,,,\n"
    result = folder.evaluate(doubled, RIGHT, "a,b\n1,a\n5,a\n2,b\n")
    assert (result.found_pairs, result.correct_pairs) == (3, 3)
    assert result.f1 == 1.0


def test_the_thresholds_of_the_map_count(folder: Folder) -> None:
    strict = folder.evaluate(text=MAP + "accept_weight: 60\nreview_weight: 2\n")
    lenient = folder.evaluate(
        "nr,given,family,town\n1,Zebulon,Quistorp,Lyon\n",
        "nr,given,family,town\na,Zebulon,Quistorp,Lyon\n",
        "l,r\n1,a\n",
        "id: nr\ncolumns: {first_name: given, last_name: family, city: town}\naccept_weight: -20\n",
    )
    unsure = folder.evaluate(
        "nr,given,family,town\n1,Zebulon,Quistorp,Lyon\n",
        "nr,given,family,town\na,Zebulon,Quistorp,Lyon\n",
        "l,r\n1,a\n",
        "id: nr\ncolumns: {first_name: given, last_name: family, city: town}\naccept_weight: 60\n"
        "review_weight: -20\n",
    )
    assert strict.found_pairs == 2  # exact keys link on their own
    assert (lenient.found_pairs, lenient.pairs_to_review) == (1, 0)
    assert (unsure.found_pairs, unsure.pairs_to_review) == (0, 1)


def test_training_learns_from_the_sample_without_its_labels(folder: Folder) -> None:
    people = "".join(f"{n},Anton{n % 17},Meier{n % 23},a{n // 2}@x.org,,,,\n" for n in range(400))
    text = MAP + "train: true\n"
    result = folder.evaluate(HEADER + people, None, "a,b\n0,1\n", text)
    other = folder.evaluate(HEADER + people, None, "a,b\n7,300\n", text)
    assert result.weights_from == "sample"
    assert result.weights_version == other.weights_version
    assert result.found_pairs == other.found_pairs
    with pytest.raises(FatalError, match="too few"):
        folder.evaluate(text=text)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("1970-03-04", "1970-03-04"),
        ("19700304", "1970-03-04"),
        ("1970/3/4", "1970-03-04"),
        ("1970-03-04 00:00:00", "1970-03-04"),
        ("04.03.1970", "1970-03-04"),
        ("4/3/1970", "1970-03-04"),
        ("03/25/1970", "1970-03-25"),
        ("19450230", "1945-02-30"),
        (" spring 1970", "spring 1970"),
        ("", None),
        (None, None),
    ],
)
def test_birth_dates_are_brought_into_one_form(written: str | None, meant: str | None) -> None:
    assert birth_date(written) == meant


def test_house_and_street_may_be_two_columns(folder: Folder) -> None:
    text = "id: nr\ncolumns: {house: 'no', street: road, external_id: ext}\n"
    path = folder.write(
        "left.csv", "\ufeff nr, no,road,ext\n 7 ,12 B,Rue de l'Église,AB 1\n8,,High St,\n"
    )
    rows = read_people(path, folder.map(text), "left").to_pylist()
    assert [row["record_id"] for row in rows] == ["7", "8"]
    assert [row["house"] for row in rows] == ["12b", None]
    assert [row["street"] for row in rows] == ["rue de l eglise", "high st"]
    assert [row["shop_id"] for row in rows] == ["AB 1", None]


WRONG_FILES = {
    "missing id": ({"left": LEFT.replace("nr,", "id,")}, "no column nr"),
    "missing column": ({"left": LEFT.replace("born,", "birth,")}, "no column born among its 8"),
    "empty file": ({"left": ""}, "left.csv is empty"),
    "no rows": ({"right": HEADER}, "right.csv has no rows"),
    "id twice": ({"left": LEFT.replace("2,Paul", "1,Paul")}, "1 records twice in nr"),
    "no id": ({"left": LEFT.replace("2,Paul", ",Paul")}, "1 records without an id"),
    "torn row": ({"left": LEFT + "5,Ann\n"}, "2 for 8 and is row 6"),
    "no utf-8": ({"left": LEFT}, "cannot be read as CSV"),
    "unknown id": ({"truth": PAIRS + "9,a\n"}, "1 of its 4 pairs name a record in column 1"),
    "sides swapped": ({"truth": "r,l\na,1\n"}, "that the left file does not have"),
    "no pairs": ({"truth": "l,r\n"}, "truth.csv has no rows"),
    "three columns": ({"truth": "l,r,x\n1,a,yes\n"}, "has 3 columns"),
    "with itself": ({"right": None, "truth": "l,r\n1,1\n"}, "pairs a record with itself"),
    "column twice": ({"left": LEFT.replace("mail", "given")}, "has .* twice|no column mail"),
}


@pytest.mark.parametrize("case", WRONG_FILES)
def test_a_wrong_file_is_told_without_showing_anybody(folder: Folder, case: str) -> None:
    files, message = WRONG_FILES[case]
    if case == "no utf-8":
        path = folder.path / "latin.csv"
        path.write_bytes(LEFT.replace("Ann", "Zoé").encode("latin-1"))
        with pytest.raises(FatalError, match=message) as raised:
            read_people(path, folder.map(), "left")
    else:
        with pytest.raises(FatalError, match=message) as raised:
            folder.evaluate(**files)
    told = str(raised.value)
    for personal in ("Ann", "Paul", "Quistorp", "x.org", "0640"):
        assert personal not in told
    assert raised.value.next_step


def test_a_missing_file_is_named(folder: Folder) -> None:
    folder.write("left.csv", LEFT)
    with pytest.raises(FatalError, match=r"gone\.csv does not exist"):
        read_people(folder.path / "gone.csv", folder.map(), "left")
    with pytest.raises(FatalError, match=r"gone\.yml does not exist"):
        read_map(folder.path / "gone.yml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no settings"),
        ("- id", "holds no settings"),
        ("id: [", "cannot be read"),
        ("columns: {email: mail}", "says nothing of id"),
        ("id: nr", "says nothing of columns"),
        ("id: nr\ncolumns: {e_mail: mail}", "attributes that are not known: e_mail"),
        ("id: nr\ncolumns: {house: no}", "house is not the text of a column name"),
        ("id: nr\ncolumns: {email: mail}\ntrian: true", "not known: trian"),
        ("id: nr\ncolumns: {phone: mobile}", "no default_region"),
        ("id: nr\ncolumns: {address: home, street: road}", "both address and its parts"),
        ("id: nr\ncolumns: {email: mail}\ntrain: maybe", "train is not true or false"),
        ("id: nr\ncolumns: {email: mail}\naccept_weight: true", "is not a number"),
        ("id: nr\ncolumns: {email: mail}\nreview_weight: 9", "above accept_weight"),
    ],
)
def test_a_wrong_map_is_told(folder: Folder, text: str, message: str) -> None:
    with pytest.raises(FatalError, match=message):
        folder.map(text)
