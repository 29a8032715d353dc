from pathlib import Path

import pytest

from orchestrator.errors import InvalidStack, Mistake, Place
from orchestrator.stack.model import ManifestSet, UnitId
from orchestrator.workloads.manifests.documents import (
    ManifestDocument,
    check_duplicates,
    read_documents,
    references_of,
)


def write(root: Path, **files: str) -> None:
    """Write files below a directory; two underscores stand for a slash."""
    for name, text in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def config(name: str) -> str:
    """Return a ConfigMap."""
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\n"


def read(
    root: Path, path: str = "set", directory: str = "stacks/shop"
) -> tuple[ManifestDocument, ...]:
    """Return what a set of that path holds."""
    return read_documents(root, ManifestSet(name="shop", path=path), directory)


def names(documents: tuple[ManifestDocument, ...]) -> list[str]:
    """Return the names of objects."""
    return [document.value["metadata"]["name"] for document in documents]  # type: ignore[index,call-overload,misc]


def mistakes(root: Path, path: str = "set") -> tuple[Mistake, ...]:
    """Return the mistakes of reading a set of that path."""
    with pytest.raises(InvalidStack) as raised:
        read(root, path)
    return raised.value.mistakes


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Return the directory of the stack file; the repository's root is two above."""
    directory = tmp_path / "stacks" / "shop"
    directory.mkdir(parents=True)
    return directory


def test_a_directory_is_read_sorted_and_wholly(tmp_path: Path, shop: Path) -> None:
    """Everything below a directory is read in the order of its path, hidden names and other suffixes left out."""
    files = {
        "b.yaml": config("b"),
        "a.yml": config("a"),
        "c__d.json": '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "d"}}',
        ".hidden.yaml": config("hidden"),
        ".git__e.yaml": config("e"),
        "README.md": "no manifest",
    }
    write(shop / "set", **files)
    assert names(read(tmp_path)) == ["a", "b", "d"]


def test_a_file_holds_several_documents(tmp_path: Path, shop: Path) -> None:
    """The documents of a file keep their order, and empty ones are nothing."""
    write(shop, **{"set.yaml": f"{config('z')}---\n---\n# only a comment\n---\n{config('a')}"})
    assert names(read(tmp_path, "set.yaml")) == ["z", "a"]


def test_a_pattern_chooses_files(tmp_path: Path, shop: Path) -> None:
    """A pattern may cross directories, and a directory that it matches is read wholly."""
    write(shop, **{"a__x.yaml": config("ax"), "b__x.yaml": config("bx"), "b__y.yaml": config("by")})
    assert names(read(tmp_path, "*/x.yaml")) == ["ax", "bx"]
    assert names(read(tmp_path, "b*")) == ["bx", "by"]


def test_a_path_may_lead_elsewhere_in_the_repository(tmp_path: Path, shop: Path) -> None:
    """A set may be shared by stacks; places name files relative to the repository's root."""
    write(tmp_path, **{"shared__x.yaml": config("x")})
    found = read(tmp_path, "../../shared")
    assert names(found) == ["x"]
    assert found[0].place(("kind",)).file == "shared/x.yaml"
    assert shop.is_dir()


@pytest.mark.parametrize("path", ["../../../elsewhere", "/etc"])
def test_a_path_never_leaves_the_repository(tmp_path: Path, shop: Path, path: str) -> None:
    """What lies outside of the repository has no revision, so it is refused."""
    assert shop.is_dir()
    assert "lies outside of the repository" in mistakes(tmp_path, path)[0].message


def test_a_symbolic_link_never_leaves_the_repository(tmp_path: Path, shop: Path) -> None:
    """A link to a file of this machine is refused too."""
    outside = tmp_path.parent / f"{tmp_path.name}-outside.yaml"
    outside.write_text(config("secret"))
    (shop / "set.yaml").symlink_to(outside)
    assert "symbolic link" in mistakes(tmp_path, "set.yaml")[0].message
    write(shop, **{"folder__inner__a.yaml": config("a")})
    (shop / "folder" / "inner" / "b.yaml").symlink_to(outside)
    assert "symbolic link" in mistakes(tmp_path, "folder")[0].message


def test_a_linked_directory_never_leaves_the_repository(tmp_path: Path, shop: Path) -> None:
    """What a path or a pattern reaches through a link is looked at where it really is."""
    outside = tmp_path.parent / f"{tmp_path.name}-outside"
    write(outside, **{"a.yaml": config("secret")})
    (shop / "linked").symlink_to(outside)
    for path in ("linked", "linked/a.yaml", "*/a.yaml"):
        assert "symbolic link" in mistakes(tmp_path, path)[0].message


def test_lists_are_unpacked(tmp_path: Path, shop: Path) -> None:
    """The items of a List, and of a List in it, are objects of their own, with their own places."""
    text = """
apiVersion: v1
kind: List
items:
  - {apiVersion: v1, kind: ConfigMap, metadata: {name: a}}
  - apiVersion: v1
    kind: ConfigMapList
    items:
      - {apiVersion: v1, kind: ConfigMap, metadata: {name: b}}
"""
    write(shop, **{"set.yaml": text})
    found = read(tmp_path, "set.yaml")
    assert names(found) == ["a", "b"]
    assert found[1].place(("metadata", "name")).line == 9


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        ("kind: A\nmetadata: {name: a}", "apiVersion", 1),
        ("apiVersion: v1\nmetadata: {name: a}", "kind", 1),
        ("apiVersion: v1\nkind: 3\nmetadata: {name: a}", "kind", 2),
        ("apiVersion: v1\nkind: A", "metadata", 1),
        ("apiVersion: v1\nkind: A\nmetadata: {labels: {}}", "metadata.name", 3),
        ("apiVersion: v1\nkind: A\nmetadata:\n  name: 12", "metadata.name", 4),
        ("apiVersion: v1\nkind: A\nmetadata: {generateName: a-}", "metadata.name", 3),
        ("- a\n- b", "a manifest is a map", 1),
        ("just text", "a manifest is a map", 1),
    ],
)
def test_an_object_without_identity_is_a_mistake(
    tmp_path: Path, shop: Path, text: str, message: str, line: int
) -> None:
    """Each object has apiVersion, kind and a name; the mistake stands where it is missing."""
    write(shop, **{"set.yaml": text})
    (found,) = mistakes(tmp_path, "set.yaml")
    assert message in found.message
    assert found.place is not None
    assert (found.place.file, found.place.line) == ("stacks/shop/set.yaml", line)


def test_all_mistakes_are_told_at_once(tmp_path: Path, shop: Path) -> None:
    """Mistakes of all files of a set come together, also when one of them is not YAML."""
    write(shop / "set", **{"a.yaml": "kind: A", "b.yaml": "a: [", "c.yaml": "a: 1\na: 2"})
    assert len(mistakes(tmp_path)) >= 4


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("missing", "does not exist"),
        ("empty", "holds no .yaml"),
        ("*.yaml", "matches no files"),
        ("blank.yml", "holds no objects"),
    ],
)
def test_a_set_that_holds_nothing_is_a_mistake(
    tmp_path: Path, shop: Path, path: str, message: str
) -> None:
    """Nothing to apply would mean that everything is pruned: it is refused, at the set's path."""
    (shop / "empty").mkdir()
    (shop / "blank.yml").write_text("# nothing\n")
    place = Place(file="stacks/shop/stack.yaml", line=3, column=5)
    manifests = ManifestSet(name="shop", path=path, places={("path",): place})
    with pytest.raises(InvalidStack) as raised:
        read_documents(tmp_path, manifests, "stacks/shop")
    (found,) = raised.value.mistakes
    assert message in found.message
    assert found.place == place


def test_an_object_declared_twice_names_both_places(tmp_path: Path, shop: Path) -> None:
    """Two sets that declare one object are refused, and both places are named."""
    web = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web, namespace: shop}\n"
    write(shop, **{"a.yaml": web, "b.yaml": f"# moved\n{web}"})
    documents = {
        UnitId("manifests.a"): read(tmp_path, "a.yaml"),
        UnitId("manifests.b"): read(tmp_path, "b.yaml"),
    }
    with pytest.raises(InvalidStack) as raised:
        check_duplicates(documents)
    (found,) = raised.value.mistakes
    assert found.message == "ConfigMap web is declared twice"
    assert found.place is not None
    assert found.related is not None
    assert (found.place.file, found.place.line) == ("stacks/shop/b.yaml", 4)
    assert (found.related.file, found.related.line) == ("stacks/shop/a.yaml", 3)


def test_only_certain_duplicates_are_told_early(tmp_path: Path, shop: Path) -> None:
    """Without a namespace two sets may mean two objects; a cluster-wide one is the same in any case."""
    space = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n"
    write(
        shop, **{"a.yaml": config("web"), "b.yaml": config("web"), "c.yaml": space, "d.yaml": space}
    )
    check_duplicates(
        {
            UnitId("manifests.a"): read(tmp_path, "a.yaml"),
            UnitId("manifests.b"): read(tmp_path, "b.yaml"),
        }
    )
    with pytest.raises(InvalidStack):
        check_duplicates(
            {
                UnitId("manifests.c"): read(tmp_path, "c.yaml"),
                UnitId("manifests.d"): read(tmp_path, "d.yaml"),
            }
        )


def test_references_are_found_with_their_places(tmp_path: Path, shop: Path) -> None:
    """The graph learns from manifests which modules a set needs, and where that is said."""
    write(shop, **{"set.yaml": config("a") + "data: {x: 'at ${{ modules.db.host }}'}\n"})
    ((reference, place),) = references_of(read(tmp_path, "set.yaml"))
    assert reference.unit == "modules.db"
    assert (place.line, place.column) == (4, 15)


def test_malformed_references_are_collected(tmp_path: Path, shop: Path) -> None:
    """Every expression that cannot be read is told, not only the first."""
    write(
        shop,
        **{
            "set.yaml": f"{config('a')}data: {{x: '${{{{ }}}}'}}\n---\n{config('b')}data: {{x: '${{{{ nope.x }}}}'}}\n"
        },
    )
    with pytest.raises(InvalidStack) as raised:
        references_of(read(tmp_path, "set.yaml"))
    assert len(raised.value.mistakes) == 2


def test_an_expression_may_be_written_with_an_escape(tmp_path: Path, shop: Path) -> None:
    """What counts is the value, however a file writes it."""
    text = f'{config("a")}data: {{key: "\\x24{{{{ vars.domain }}}}"}}\n'
    assert "${{" not in text
    write(shop, **{"set.yaml": text})
    ((reference, _),) = references_of(read(tmp_path, "set.yaml"))
    assert reference.path == "vars.domain"
