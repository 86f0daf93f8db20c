import torch
from torch import nn

from onebody.models import blank_batch
from onebody.models.fold import fold_norms
from step_networks import step_network


def test_folded_networks_answer_alike_and_the_given_one_stays():
    saved = step_network()
    before = {name: value.clone() for name, value in saved.network.state_dict().items()}
    folded = fold_norms(saved.network)
    batch = blank_batch(saved.input)
    batch.inputs["rgb"].uniform_(generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        found, expected = folded([batch])[0], saved.network([batch])[0]
    for name, outputs in expected.items():
        torch.testing.assert_close(found[name][-1], outputs[-1], atol=1e-5, rtol=0)
    assert all(torch.equal(before[n], v) for n, v in saved.network.state_dict().items())
    left = [m for m in folded.modules() if isinstance(m, nn.BatchNorm2d)]
    assert left == []
    assert any(isinstance(m, nn.BatchNorm2d) for m in saved.network.modules())


def test_a_bias_and_any_number_of_axes():
    row = nn.Sequential(nn.Conv1d(2, 3, 2), nn.BatchNorm1d(3), nn.BatchNorm1d(3)).eval()
    with torch.no_grad():
        row[1].running_mean.copy_(torch.tensor([1.0, -1.0, 0.5]))
        row[1].running_var.fill_(4.0)
        row[1].weight.fill_(3.0)
    x = torch.arange(12.0).view(1, 2, 6) / 10
    folded = fold_norms(row)
    torch.testing.assert_close(folded(x), row(x))
    assert isinstance(folded[1], nn.Identity)
    assert isinstance(folded[2], nn.BatchNorm1d)
