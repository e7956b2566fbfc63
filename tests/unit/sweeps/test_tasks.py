"""The tasks of a sweep: all of them, each under a key of what matters."""

import os

import numpy as np
import pytest
from PIL import Image

from signseg_rig.errors import ConfigError, NeuronModelError
from signseg_rig.seeds import named_rng
from signseg_rig.sweeps import Condition, conditions, list_tasks, read_sweep


def test_every_unit_under_every_condition(sweep_file):
    settings = read_sweep(sweep_file)
    found = list(conditions(settings))
    assert found == [
        Condition(),
        Condition("positive", 0.5),
        Condition("positive", 1.0),
        Condition("negative", 0.5),
        Condition("negative", 1.0),
        Condition("positive", 0.5, "number"),
        Condition("negative", 0.5, "number"),
    ]
    tasks = list_tasks(settings)
    assert {(task.unit, task.condition) for task in tasks} == {
        (unit, condition) for unit in ("wig", "tench") for condition in found
    }
    assert len({task.key for task in tasks}) == len(tasks) == 14


def test_controls_of_all_kinds(sweep_file):
    text = 'control_strengths = [0.5, 0.7]\ncontrols = ["both_signs", "number", "magnitude"]\n'
    sweep_file.write_text(sweep_file.read_text().replace("control_strengths = [0.5]\n", text))
    found = [one for one in conditions(read_sweep(sweep_file)) if one.control]
    assert found == [
        *(
            Condition(sign, strength, match)
            for sign in ("positive", "negative")
            for strength in (0.5, 0.7)
            for match in ("number", "magnitude")
        ),
        Condition("both", 0.5, "both_signs"),
        Condition("both", 0.7, "both_signs"),
    ]
    assert [one.is_random for one in found] == [True] * 8 + [False] * 2


def test_random_controls_are_drawn_several_times_each_by_its_own_stream(sweep_file):
    text = sweep_file.read_text().replace("n_control_draws = 1\n", "")
    sweep_file.write_text(text)
    settings = read_sweep(sweep_file)
    assert settings.n_control_draws == 3
    tasks = list_tasks(settings)
    of_control = [one for one in tasks if one.condition.is_random and one.unit == "wig"]
    assert [one.repeat for one in of_control] == [0, 1, 2] * 2
    assert len({named_rng(0, *one.control_stream).random() for one in of_control}) == 6
    assert len(tasks) == len({one.key for one in tasks}) == 2 * (5 + 2 * 3)
    # Another strength and more draws leave the streams of those that there were alone.
    more = text.replace("control_strengths = [0.5]", "control_strengths = [0.3, 0.5]")
    sweep_file.write_text(more.replace("n_repeats = 1", "n_repeats = 1\nn_control_draws = 5"))
    assert set(tasks) < set(list_tasks(read_sweep(sweep_file)))


def test_networks_have_streams_of_their_own_and_machines_do_not(sweep_file):
    text = sweep_file.read_text()

    def streams(old, new):
        sweep_file.write_text(text.replace(old, new))
        tasks = list_tasks(read_sweep(sweep_file))
        return {one.search_stream for one in tasks}, {one.control_stream for one in tasks}

    kind = 'kind = "efficientnet_lite0"'
    first = streams(kind, kind)
    for other in (
        f"{kind}\nrandom_seed = 1",
        f"{kind}\nrandom_seed = 2",
        'kind = "efficientnet_lite1"',
    ):
        for own, others in zip(first, streams(kind, other), strict=True):
            assert own.isdisjoint(others)
    assert streams(kind, f"{kind}\nbatch_size = 7") == first
    assert streams(kind, f'{kind}\ndevice = "cuda:1"') == first


def test_one_search_stream_for_all_conditions_of_a_unit_and_repeat(sweep_file):
    found = {}
    for task in list_tasks(read_sweep(sweep_file)):
        found.setdefault((task.unit, task.repeat), set()).add(task.search_stream)
    assert all(len(own) == 1 for own in found.values())
    assert len(set.union(*found.values())) == len(found)


def test_ten_strengths_unless_others_are_named(sweep_file):
    text = sweep_file.read_text().replace("strengths = [0.5, 1.0]\n", "", 1)
    sweep_file.write_text(text)
    strengths = read_sweep(sweep_file).strengths
    assert strengths == (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


@pytest.mark.parametrize(
    ("old", "new", "changes"),
    [
        ("n_generations = 2", "n_generations = 3", True),
        ("input_size_px = 32", "input_size_px = 64", True),
        ("n_codes = 4", "n_codes = 5", True),
        ('name = "small"', 'name = "small"\nseed = 2', True),
        ('name = "small"', 'name = "other"', False),
        ('kind = "dcgan_faces"', 'kind = "dcgan_faces"\ndevice = "cuda"', True),
        ("n_repeats = 1", "n_repeats = 1\nn_together = 9", False),
    ],
)
def test_key_is_of_what_the_result_depends_on(sweep_file, old, new, changes):
    before = {task.key for task in list_tasks(read_sweep(sweep_file))}
    sweep_file.write_text(sweep_file.read_text().replace(old, new))
    after = {task.key for task in list_tasks(read_sweep(sweep_file))}
    assert before.isdisjoint(after) if changes else before == after


def test_key_is_of_what_is_in_weight_files_and_not_of_where_they_lie(sweep_file, tmp_path):
    def keys_of(backbone, head):
        network = f'kind = "simsiam_resnet50"\nweights_path = "{backbone}"\nhead_path = "{head}"'
        text = sweep_text.replace('kind = "efficientnet_lite0"', network)
        sweep_file.write_text(text.replace("input_size_px = 32", "input_size_px = 64"))
        return {task.key for task in list_tasks(read_sweep(sweep_file))}

    sweep_text = sweep_file.read_text()
    (tmp_path / "moved").mkdir()
    for name, content in (("backbone", b"1"), ("head", b"2"), ("moved/head", b"2")):
        (tmp_path / name).write_bytes(content)
    before = keys_of("backbone", "head")
    assert keys_of("backbone", "moved/head") == before
    (tmp_path / "head").write_bytes(b"3")
    assert before.isdisjoint(keys_of("backbone", "head"))


def test_key_is_of_the_type_of_device_and_not_of_its_number(sweep_file):
    text = sweep_file.read_text()
    keys = []
    for device in ("cuda", "cuda:1", "mps", "cpu"):
        sweep_file.write_text(text.replace("[generator]", f'device = "{device}"\n[generator]'))
        keys.append({task.key for task in list_tasks(read_sweep(sweep_file))})
    assert keys[0] == keys[1]
    assert len(set.union(*keys)) == 3 * 14


def test_key_is_of_the_hidden_layer_and_its_images(sweep_file, tmp_path):
    folder = tmp_path / "judged"
    folder.mkdir()
    text = sweep_file.read_text()
    keys = [{task.key for task in list_tasks(read_sweep(sweep_file))}]
    for layer, level in (("_conv_head", 0), ("_conv_head", 1), ("_conv_stem", 1)):
        Image.fromarray(np.full((4, 4, 3), level, dtype=np.uint8)).save(folder / "a.png")
        sweep_file.write_text(f"{text}\n[hidden]\nlayer = '{layer}'\nimages = 'judged'\n")
        keys.append({task.key for task in list_tasks(read_sweep(sweep_file))})
    assert len(set.union(*keys)) == 4 * 14


def test_a_neuron_file_that_is_missing_is_a_sentence(sweep_file):
    sweep_file.write_text(f"neurons = 'none.neurons'\n{sweep_file.read_text()}")
    with pytest.raises(NeuronModelError, match=r"no neuron-model file .*none\.neurons"):
        list_tasks(read_sweep(sweep_file))


def test_out_dir_knows_the_home_folder(sweep_file, tmp_path, monkeypatch):
    monkeypatch.setenv("USERPROFILE" if os.name == "nt" else "HOME", str(tmp_path / "home"))
    text = sweep_file.read_text()
    sweep_file.write_text(text.replace(f"out_dir = '{tmp_path}'", "out_dir = '~/sweeps'"))
    assert read_sweep(sweep_file).folder == tmp_path / "home" / "sweeps" / "small"


def test_every_conflict_of_a_sweep_is_told_at_once(sweep_file):
    text = sweep_file.read_text()
    for old, new in (
        ('"tench"]', '"tench", "wig"]\nneurons = "v4.neurons"'),
        ("n_repeats = 1", 'n_repeats = 1\nhidden = { layer = "_fc", images = "b" }'),
        ("input_size_px = 32", 'random_seed = 1\nweights_path = "a.pth"'),
        ('kind = "cma_es"\nn_codes = 4', 'kind = "genetic"\nn_codes = 4\nn_conserved = 4'),
    ):
        assert old in text
        text = text.replace(old, new)
    sweep_file.write_text(f"{text}[metrics.s]\nkind = 'spectra'\nslope_to_cycles = 4\n")
    with pytest.raises(ConfigError) as caught:
        read_sweep(sweep_file)
    for place in (
        r"units[2]: units should name each once; 'wig'",
        "hidden: hidden ablates layers",
        "hidden.layer: hidden.layer '_fc' is the readout",
        "network.random_seed: weights_path and random_seed exclude",
        "optimizer.n_conserved: n_conserved (4) should be below n_codes (4)",
        "metrics.s.slope_to_cycles: slope_to_cycles (4.0) should be at least twice",
    ):
        assert place in str(caught.value)


def test_more_units_and_repeats_leave_the_others_alone(sweep_file):
    before = {task.key for task in list_tasks(read_sweep(sweep_file))}
    text = sweep_file.read_text().replace('"tench"]', '"tench", "daisy"]')
    sweep_file.write_text(text.replace("n_repeats = 1", "n_repeats = 3"))
    after = {task.key for task in list_tasks(read_sweep(sweep_file))}
    assert before < after
    assert len(after) == 3 * (3 * 5 + 2)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("strengths = [0.5, 1.0]", "strengths = [0.5, 1.5]", r"sweep\.toml:\d+: strengths\[1\]"),
        (
            "strengths = [0.5, 1.0]",
            "strengths = [0.5, 0.5]",
            "strengths should name each once; 0.5",
        ),
        ("n_repeats", "n_repeat", "n_repeat"),
        ("n_repeats = 1", 'controls = ["number", "sign"]', r"controls\[1\]"),
        ('kind = "cma_es"', 'kind = "cmaes"', "cma_es"),
        ('name = "small"', 'name = "a/b"', "name"),
        ('name = "small"', 'name = ".."', "name"),
        ('name = "small"', 'name = "."', "name"),
        (
            'name = "small"',
            'name = "small"\nneurons = "v4.neurons"\nhidden = { layer = "a", images = "b" }',
            "leave one of them out",
        ),
        (
            'name = "small"',
            'name = "small"\nhidden = { layer = "_fc", images = "b" }',
            "'_fc' is the readout of efficientnet_lite0.*leave hidden out",
        ),
    ],
)
def test_says_what_is_wrong_and_where(sweep_file, old, new, message):
    sweep_file.write_text(sweep_file.read_text().replace(old, new))
    with pytest.raises(ConfigError, match=message):
        read_sweep(sweep_file)
