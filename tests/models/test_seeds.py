import torch

from onebody.models.seeds import drawn_for


def drawn(seed: int, name: str, before: int = 0) -> float:
    torch.manual_seed(seed)
    torch.rand(before)
    with drawn_for(name):
        return float(torch.rand(()))


def test_draws_depend_on_seed_and_name_alone() -> None:
    assert drawn(0, "a") == drawn(0, "a", before=7)
    assert len({drawn(0, "a"), drawn(0, "b"), drawn(1, "a"), drawn(0, "")}) == 4


def test_the_empty_name_draws_what_comes_first() -> None:
    torch.manual_seed(3)
    assert float(torch.rand(())) == drawn(3, "")


def test_the_generator_is_left_as_it_was() -> None:
    torch.manual_seed(0)
    with drawn_for("a"):
        torch.rand(5)
    inside = float(torch.rand(()))
    torch.manual_seed(0)
    assert float(torch.rand(())) == inside
