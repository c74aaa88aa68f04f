"""The drill's faults: the same for the same seed, of every kind, a third of them inside a save."""

from tests.drill.faults import KINDS, SCHEDULE, Unbroken, make_fault

FILES = ["adapter_model.safetensors", "optimizer.pt", "trainer_state.json", "seal.json"]
SAVED = [2, 7, 12, 17, 22, 27, 32, 37, 40]
RUN = Unbroken(
    weights="0" * 64,
    total_steps=40,
    save_steps=5,
    saved=SAVED,
    files=FILES,
    sizes=[dict.fromkeys(FILES, 1000) for _ in SAVED],
    evaluations=9,
)


def test_sixty_faults_are_of_every_kind_and_twenty_lie_inside_a_save():
    faults = [make_fault(number, 1, RUN) for number in range(1, 61)]
    assert {fault.kind for fault in faults} == set(KINDS)
    assert sum(fault.inside_save for fault in faults) >= 20


def test_every_kind_has_its_turn():
    assert set(SCHEDULE) == set(KINDS.values())


def test_a_fault_depends_on_its_number_and_the_seed_alone():
    assert make_fault(17, 1, RUN) == make_fault(17, 1, RUN)
    assert make_fault(13, 1, RUN) != make_fault(13, 2, RUN)
    assert len({make_fault(number, 1, RUN).words for number in range(1, 300, len(SCHEDULE))}) > 3


def test_no_fault_comes_after_the_run_has_ended():
    for number in range(1, 301):
        for blow in make_fault(number, 3, RUN).blows:
            assert blow.at_step is None or blow.at_step <= RUN.total_steps - 5
            assert blow.arrived is None or blow.arrived[0] in SAVED[:-2]
