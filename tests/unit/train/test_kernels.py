"""Each lever really takes effect, changes no number it should not change, and is refused where it cannot work."""

import json
import math

import pytest
import torch
from peft import LoraConfig, get_peft_model
from peft.tuners.lora import LoraLayer
from torch._dynamo.utils import counters
from transformers import MistralConfig, MistralForCausalLM

from steps import job as container
from steps.job import Refused
from steps.levers import Levers
from steps.models import collate, labelled_only
from steps.train import kernels
from steps.train.__main__ import main
from steps.train.options import read_options
from steps.train.setup import prepare
from steps.train.watch import Run


@pytest.fixture
def bench(training_job):
    """Makes a workbench with some levers, and with the plan's choice on gradient checkpointing."""

    def make(name="job", *, recompute=False, **levers):
        job = training_job(name, Levers=json.dumps(levers))
        path = job.channel("tokens") / "plan.json"
        plan = json.loads(path.read_text())
        plan["memory"]["gradient_checkpointing"] = recompute
        path.write_text(json.dumps(plan))
        return prepare(read_options(container.hyperparameters()))

    return make


def loss_gradients_and_saved(bench):
    """Loss and gradients of one micro-batch, and the bytes that the forward pass kept for the backward pass."""
    saved = {}

    def keep(tensor):
        saved[tensor.data_ptr()] = tensor.numel() * tensor.element_size()
        return tensor

    bench.model.train()
    for weight in bench.model.parameters():
        weight.grad = None
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        loss = bench.model(**labelled_only(collate([bench.train[0]]))).loss
    loss.backward()
    gradients = {name: weight.grad for name, weight in bench.model.named_parameters() if weight.grad is not None}
    return loss.detach(), gradients, sum(saved.values())


def stir(bench):
    """Adapters start at zero, where half of the gradients are zero too."""
    generator = torch.Generator().manual_seed(1)
    for name, weight in bench.model.named_parameters():
        if "lora_B" in name:
            weight.data = 0.1 * torch.randn(weight.shape, generator=generator)


def event(output, name):
    lines = (json.loads(line) for line in output.splitlines() if line.startswith("{"))
    return next(line for line in lines if line["event"] == name)


def test_recomputing_keeps_less_and_gives_the_same_gradients(bench):
    kept, recomputed = bench("kept"), bench("recomputed", recompute=True)
    for one in (kept, recomputed):
        stir(one)
    loss, gradients, saved = loss_gradients_and_saved(kept)
    same_loss, same_gradients, fewer = loss_gradients_and_saved(recomputed)
    assert same_loss.item() == pytest.approx(loss.item(), rel=1e-6)
    assert gradients.keys() == same_gradients.keys()
    assert len(gradients) == 28, "every adapter weight of both layers gets one"
    for name, gradient in gradients.items():
        torch.testing.assert_close(same_gradients[name], gradient, rtol=1e-6, atol=1e-6)
    assert fewer < saved / 2


def test_a_plan_that_recomputes_does_so_in_the_job_and_learns_the_same(training_job, capsys):
    curves = []
    for recompute in (False, True):
        job = training_job(f"job {recompute}")
        path = job.channel("tokens") / "plan.json"
        plan = json.loads(path.read_text())
        plan["memory"]["gradient_checkpointing"] = recompute
        path.write_text(json.dumps(plan | {"steps": 4}))
        main()
        assert event(capsys.readouterr().out, "levers")["gradient_checkpointing"] is recompute
        curves.append([point["loss"] for point in json.loads((job.model / "training.json").read_text())["curve"]])
    assert curves[0] == pytest.approx(curves[1], rel=1e-5)


def test_compiled_layers_give_the_same_loss_and_gradients(bench):
    plain, compiled = bench("plain"), bench("compiled")
    for one in (plain, compiled):
        stir(one)
    torch._dynamo.reset()
    assert kernels.compile_layers(compiled.model, backend="aot_eager") == 2
    loss, gradients, _ = loss_gradients_and_saved(plain)
    same_loss, same_gradients, _ = loss_gradients_and_saved(compiled)
    assert same_loss.item() == pytest.approx(loss.item(), rel=1e-5)
    for name, gradient in gradients.items():
        torch.testing.assert_close(same_gradients[name], gradient, rtol=1e-4, atol=1e-6)
    assert compiled.model.state_dict().keys() == plain.model.state_dict().keys(), "checkpoints keep their names"


def test_layers_share_their_graphs_however_many_there_are():
    """One for the first, whose input needs no gradient, and one for all others: dynamo gives up after eight."""
    config = MistralConfig(
        vocab_size=50, hidden_size=16, intermediate_size=16, num_hidden_layers=6, num_attention_heads=2,
        num_key_value_heads=2, sliding_window=None, use_cache=False,
    )  # fmt: skip
    model = get_peft_model(
        MistralForCausalLM(config), LoraConfig(r=2, target_modules=["q_proj"], task_type="CAUSAL_LM")
    )
    ids = torch.arange(8)[None]
    torch._dynamo.reset()
    counters.clear()
    kernels.compile_layers(model, backend="eager")
    model(input_ids=ids, position_ids=ids % 4, labels=ids, use_cache=False).loss.backward()
    assert counters["stats"]["unique_graphs"] == 2


def test_recomputed_layers_can_be_compiled_too(bench):
    plain, compiled = bench("plain"), bench("compiled", recompute=True)
    torch._dynamo.reset()
    kernels.compile_layers(compiled.model, backend="aot_eager")
    assert loss_gradients_and_saved(compiled)[0].item() == pytest.approx(
        loss_gradients_and_saved(plain)[0].item(), rel=1e-5
    )


@pytest.mark.slow
def test_layers_compiled_to_machine_code_give_the_same_loss(bench):
    plain, compiled = bench("plain"), bench("compiled")
    torch._dynamo.reset()
    kernels.compile_layers(compiled.model)
    assert loss_gradients_and_saved(compiled)[0].item() == pytest.approx(
        loss_gradients_and_saved(plain)[0].item(), rel=1e-5
    )


def test_a_model_whose_layers_are_not_found_is_refused():
    with pytest.raises(Refused, match="decoder layers"):
        kernels.decoder_layers(torch.nn.Module.__new__(type("Odd", (torch.nn.Linear,), {"base_model_prefix": "m"})))


@pytest.mark.parametrize(
    ("levers", "on_gpu", "says"),
    [
        ({"compile": True}, False, "for GPUs"),
        ({"kernels": "liger"}, False, "liger needs a GPU"),
        ({"attention": "varlen"}, False, "flash-attn"),
        ({"attention": "varlen"}, True, "flash-attn"),
    ],
)
def test_a_lever_that_cannot_work_here_is_refused_with_what_to_do(levers, on_gpu, says):
    with pytest.raises(Refused, match=says):
        kernels.refuse_unusable(Levers.model_validate(levers), "mistral", on_gpu=on_gpu)


def test_liger_that_is_not_installed_is_refused_with_the_extra_to_install(monkeypatch):
    monkeypatch.setattr(kernels, "find_spec", lambda name: None)
    with pytest.raises(Refused, match=r"asusu\[gpu\]"):
        kernels.refuse_unusable(Levers(kernels="liger"), "mistral", on_gpu=True)


def test_the_job_refuses_such_a_lever_before_it_trains(training_job):
    training_job(Levers='{"kernels": "liger"}')
    with pytest.raises(Refused, match="kernels=liger"):
        main()


@pytest.mark.parametrize(
    ("wanted", "on_gpu", "installed", "got"),
    [
        ("auto", True, True, kernels.VARLEN),
        ("auto", True, False, "sdpa"),
        ("auto", False, True, "sdpa"),
        ("sdpa", True, True, "sdpa"),
        ("varlen", True, True, kernels.VARLEN),
    ],
)
def test_attention_over_each_example_alone_is_taken_where_it_is_there(monkeypatch, wanted, on_gpu, installed, got):
    monkeypatch.setattr(kernels, "is_flash_attn_2_available", lambda: installed)
    assert kernels.choose_attention(Levers(attention=wanted), on_gpu=on_gpu) == got


@pytest.mark.parametrize(("rslora", "scaling"), [(False, 8 / 4), (True, 8 / math.sqrt(4))])
def test_rslora_scales_by_the_root_of_the_rank(bench, rslora, scaling):
    adapted = bench(rslora=rslora).model
    adapters = [module for module in adapted.modules() if isinstance(module, LoraLayer)]
    scalings = {value for module in adapters for value in module.scaling.values()}
    assert scalings == {scaling}


@pytest.mark.parametrize(("dropout", "same"), [(0.0, True), (0.5, False)])
def test_dropout_drops_in_training_only(bench, dropout, same):
    one = bench(lora_dropout=dropout)
    stir(one)
    batch = labelled_only(collate([one.train[0]]))
    one.model.train()
    assert torch.equal(one.model(**batch).loss, one.model(**batch).loss) is same
    one.model.eval()
    assert torch.equal(one.model(**batch).loss, one.model(**batch).loss)


@pytest.mark.parametrize(("optimizer", "fused"), [("adamw_torch_fused", True), ("adamw_torch", None)])
def test_the_optimizer_is_the_one_asked_for(training_job, monkeypatch, optimizer, fused):
    used = []
    original = Run.on_train_begin

    def look(self, args, state, control, **given):
        used.append(given["optimizer"])
        return original(self, args, state, control, **given)

    monkeypatch.setattr(Run, "on_train_begin", look)
    training_job(Levers=json.dumps({"optimizer": optimizer}))
    main()
    (found,) = used
    found = getattr(found, "optimizer", found)
    assert type(found) is torch.optim.AdamW
    assert found.defaults["fused"] is fused


def test_logits_are_computed_only_where_a_token_is_to_be_predicted(bench):
    one = bench()
    batch = collate([one.train[0]])
    wanted = int((batch["labels"] != -100).sum())
    assert one.model(**labelled_only(batch)).logits.shape[1] == wanted < batch["labels"].shape[1]
    assert one.model(**batch).logits.shape[1] == batch["labels"].shape[1]


def test_the_levers_in_force_are_one_event(training_job, capsys):
    training_job(Levers='{"logits": "all", "lora_dropout": 0.1}')
    main()
    found = event(capsys.readouterr().out, "levers")
    assert found == {
        "event": "levers",
        **Levers(logits="all", lora_dropout=0.1).model_dump(),
        "attention": "sdpa",
        "gradient_checkpointing": False,
        "processes": 1,
    }
