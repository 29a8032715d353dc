"""News of objects wait until they are asked for, and are not worth more memory than there are objects."""

from orchestrator.plans.objects import ObjectRef
from orchestrator.workloads.cluster.news import News, Seen


def seen(name: str, *, uid: str, generation: int = 1, gone: bool = False) -> Seen:
    """Return news of a ConfigMap."""
    ref = ObjectRef(group="", version="v1", kind="ConfigMap", namespace="shop", name=name)
    return Seen(ref=ref, live={"metadata": {"uid": uid, "generation": generation}}, gone=gone)


def told(news: News) -> list[Seen]:
    """Return all that is to be told."""
    found = []
    while (each := news.get(0)) is not None:
        found.append(each)
    return found


def test_of_each_object_the_latest_is_told_in_the_order_of_seeing() -> None:
    """What it was in between is over; that it is gone is the latest, too."""
    news = News()
    for each in (
        seen("a", uid="1"),
        seen("b", uid="2"),
        seen("a", uid="1", generation=2),
        seen("c", uid="3"),
        seen("c", uid="3", gone=True),
    ):
        news.put(each)

    assert told(news) == [
        seen("b", uid="2"),
        seen("a", uid="1", generation=2),
        seen("c", uid="3", gone=True),
    ]
    assert told(news) == []


def test_another_object_of_the_name_does_not_hide_that_the_first_is_gone() -> None:
    """Whoever waits for the first learns that nothing will come of it."""
    news = News()
    news.put(seen("a", uid="1", gone=True))
    news.put(seen("a", uid="2"))

    assert told(news) == [seen("a", uid="1", gone=True), seen("a", uid="2")]
