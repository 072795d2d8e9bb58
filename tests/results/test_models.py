"""export --models: the files give the study's own bits in a plain PyTorch process, and what cannot be exported is named."""

import csv
import hashlib
import json
import pathlib
import shutil
import struct
import subprocess
import sys
import types

import h5py
import numpy as np
import pytest

from telltale_runs import ALL_DONE, UNUSABLE_INPUT, clean_environment, write_job

torch = pytest.importorskip("torch", reason="python3-torch is not installed")

NETWORKS, BATCHES, IMAGES = ["dnn-1", "resnet-20"], [1, 4], 7
STUDY = dict(experiment="compare", network=NETWORKS, train_images=32, test_images=IMAGES, epochs=1, batch=16, eval_batch=7,
             predict_images=IMAGES, predict_batch=BATCHES)


def write_mnist(folder, draws):
    """Grey images; returns those of the test, N x C x H x W bytes."""
    for name, count in (("train", 32), ("t10k", IMAGES)):
        images = draws.integers(0, 256, (count, 1, 28, 28), np.uint8)
        for kind, head, content in (("images-idx3", (2051, count, 28, 28), images.tobytes()),
                                    ("labels-idx1", (2049, count), bytes(i % 10 for i in range(count)))):
            (folder / f"{name}-{kind}-ubyte").write_bytes(struct.pack(f">{len(head)}I", *head) + content)
    return images


def write_cifar_10(folder, draws):
    """The same in colour."""
    for name, count in [(f"data_batch_{i}.bin", 8) for i in range(1, 6)] + [("test_batch.bin", IMAGES)]:
        images = draws.integers(0, 256, (count, 3, 32, 32), np.uint8)
        (folder / name).write_bytes(b"".join(bytes([i % 10]) + image.tobytes() for i, image in enumerate(images)))
    return images


def manifest_of(folder):
    with open(folder / "manifest.csv", newline="") as file:
        return list(csv.DictReader(file))


def metadata_of(path):
    content = path.read_bytes()
    return json.loads(content[8:8 + struct.unpack_from("<Q", content)[0]])["__metadata__"]


def export(telltale, results, folder, *options):
    done = telltale("export", results, folder, "--models", *options)
    assert done.code == ALL_DONE, done.text
    return done


@pytest.fixture(scope="module", params=[("mnist", write_mnist), ("cifar-10", write_cifar_10)], ids=["grey", "colour"])
def exported(request, telltale, tmp_path_factory):
    """A study on two profiles and its models; `.logits[batch size][environment]` of `.environments`."""
    dataset, write = request.param
    folder = tmp_path_factory.mktemp(dataset)
    (folder / "data" / dataset).mkdir(parents=True)
    images = write(folder / "data" / dataset, np.random.default_rng(5))
    np.save(folder / "images.npy", images.astype(np.float32) / np.float32(255))
    job = write_job(folder / "x.ini", dataset=dataset, **STUDY)
    telltale.run(job, folder / "x.h5", "--profiles", "best,others:1", ranks=3, timeout_s=500,
                 environment={"TELLTALE_DATA": str(folder / "data")})
    export(telltale, folder / "x.h5", folder / "models")
    with h5py.File(folder / "x.h5") as file:
        group = file["float32"]
        environments = [name.decode() for name in group["environment"][()]]
        logits = group["logits"][()].reshape(len(NETWORKS), len(BATCHES), len(environments), IMAGES, -1)
        ranks = json.loads(file["run/session"].asstr()[-1])["ranks"]
    kernels = {rank["environment"]: rank["passport"]["kernels"] for rank in ranks if rank["environment"]}
    return types.SimpleNamespace(folder=folder, output=folder / "x.h5", models=folder / "models", logits=logits,
                                 environments=environments, kernels=kernels)


def replay(exported, out, variables):
    """Logits of the PyTorch process, by "network file batch"."""
    command = [sys.executable, pathlib.Path(__file__).with_name("replay_models.py"), exported.models, exported.folder / "images.npy",
               json.dumps(BATCHES), out]
    subprocess.run(list(map(str, command)), env=clean_environment(PYTHONDONTWRITEBYTECODE="1", **variables), check=True)
    return np.load(out)


def variables_of(kernel):
    """What pins a process to the kernels of a rank's passport."""
    variables = {"OPENBLAS_CORETYPE": kernel["openblas"], "ONEDNN_MAX_CPU_ISA": kernel["onednn"], "DNNL_MAX_CPU_ISA": kernel["onednn"],
                 "ATEN_CPU_CAPABILITY": kernel["aten"].lower(), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    if kernel["glibc"] != "all":
        variables["GLIBC_TUNABLES"] = kernel["glibc"]
    return variables


def test_in_pytorch_both_files_give_the_bits_of_the_study(exported, tmp_path):
    for environment, name in enumerate(exported.environments):
        found = replay(exported, tmp_path / "logits.npz", variables_of(exported.kernels[name]))
        for form in ("torchscript", "safetensors"):
            for (n, network), (b, batch) in ((n, b) for n in enumerate(NETWORKS) for b in enumerate(BATCHES)):
                ours, theirs = found[f"{network} {form} {batch}"], exported.logits[n, b, environment]
                assert ours.dtype == theirs.dtype == np.float32
                assert ours.tobytes() == theirs.tobytes(), f"{network} from {form} on {name}, batch size {batch}: {abs(ours - theirs).max()}"


def test_without_pinning_the_labels_are_the_same(exported, tmp_path):
    found = replay(exported, tmp_path / "logits.npz", {})
    for name, ours in found.items():
        network, _, batch = name.split()
        theirs = exported.logits[NETWORKS.index(network), BATCHES.index(int(batch)), 0]
        assert (ours.argmax(1) == theirs.argmax(1)).all(), name


def test_both_files_and_the_manifest_describe_the_model(exported):
    rows = manifest_of(exported.models)
    assert sorted(path.name for path in exported.models.iterdir()) == sorted(
        [row[form] for row in rows for form in ("safetensors", "torchscript")] + ["manifest.csv"])
    for name, row in zip(NETWORKS, rows):
        about = metadata_of(exported.models / row["safetensors"])
        network = json.loads(about["network"])
        assert network["name"] == name and network["classes"] == 10 and network == json.loads(row["network"])
        assert [network[side] for side in ("channels", "height", "width")] == list(np.load(exported.folder / "images.npy").shape[1:])
        assert json.loads(about["cases"]) == [{"network": name, "repeat": "0"}] and (row["network"], row["repeat"]) != ("", "")
        assert about["model_sha256"] == row["model_sha256"] and row["safetensors"].startswith("model-" + row["model_sha256"][:16])
        content = (exported.folder / "artifacts" / f"products-{row['model_task']}").read_bytes()
        model = 56 + struct.unpack_from("<Q", content, 48)[0] + 8
        assert hashlib.sha256(content[model:]).hexdigest() == row["model_sha256"]
        extra = {"telltale.json": ""}
        script = torch.jit.load(str(exported.models / row["torchscript"]), _extra_files=extra)
        inside = json.loads(extra["telltale.json"])
        assert inside == {key: json.loads(value) if key in ("network", "cases") else value for key, value in about.items()}
        assert "conv.weight" in script.state_dict() and not script.training


# ---- which cases, and what is refused

def test_cases_are_selected_and_share_their_model(telltale, finished_study, tmp_path):
    export(telltale, finished_study.output, tmp_path / "all")
    rows = manifest_of(tmp_path / "all")
    assert len(rows) == 12 and len({row["safetensors"] for row in rows}) == 10 == len(list((tmp_path / "all").glob("*.pt")))
    said = export(telltale, finished_study.output, tmp_path / "clean", "--where", "scheme=clean, repeat=1").out
    assert "1 model of 2 cases" in said
    rows = manifest_of(tmp_path / "clean")
    assert [(row["scheme"], row["alpha"], row["repeat"]) for row in rows] == [("clean", "0.01", "1"), ("clean", "0.05", "1")]
    cases = json.loads(metadata_of(tmp_path / "clean" / rows[0]["safetensors"])["cases"])
    assert [case["alpha"] for case in cases] == ["0.01", "0.05"]


def assert_refused(finished, *words):
    assert finished.code == UNUSABLE_INPUT, f"exit code {finished.code}: {finished.text}"
    assert finished.out == ""
    for word in words:
        assert word in finished.err, f"'{word}' is not in: {finished.err}"


@pytest.mark.parametrize("condition, words", [
    ("colour=red", ["'colour=red' selects no models", "scheme, reading, alpha"]),
    ("scheme", ["'scheme' selects no models"]),
    ("alpha=0.02", ["no model has the alpha 0.02; there are: 0.01, 0.05"]),
    ("scheme=clean, scheme=new-label", ["no model is of cases with scheme=clean, scheme=new-label"]),
])
def test_a_selection_of_nothing_is_refused(telltale, finished_study, tmp_path, condition, words):
    assert_refused(telltale("export", finished_study.output, tmp_path / "out", "--models", "--where", condition), *words)
    assert not (tmp_path / "out").exists()


def test_nothing_is_overwritten(telltale, finished_study, tmp_path):
    (tmp_path / "mine").write_text("kept")
    assert_refused(telltale("export", finished_study.output, tmp_path, "--models"), "is not empty")
    assert_refused(telltale("export", finished_study.output, tmp_path / "mine", "--models"), "is there and is no folder")
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_results_without_models_are_refused(telltale, tmp_path):
    job = write_job(tmp_path / "x.ini", experiment="empty", tasks=2)
    telltale.run(job, tmp_path / "x.h5")
    assert_refused(telltale("export", tmp_path / "x.h5", tmp_path / "out", "--models"), "hold no trained models", "empty")


def test_lost_models_are_named_and_computed_anew(telltale, finished_study, tmp_path):
    artifacts = tmp_path / "artifacts"
    shutil.copytree(finished_study.folder / "artifacts", artifacts)
    gone, harmed = sorted(artifacts.glob("products-*[0-9a-f]"))[:2]
    gone.unlink()
    content = bytearray(harmed.read_bytes())
    content[-1] ^= 1
    harmed.write_bytes(content)
    command = ("export", finished_study.output, tmp_path / "out", "--models", "--artifacts", artifacts)
    assert_refused(telltale(*command), "2 of 10 models", f"{gone} is missing", f"{harmed} is damaged", "scheme=", "`telltale run`")
    assert not (tmp_path / "out").exists()
    telltale.run(finished_study.job, tmp_path / "again.h5", "--artifacts", artifacts, "--profiles", "best,others:1", ranks=3)
    assert telltale(*command).code == ALL_DONE


def test_models_have_options_of_their_own(telltale, finished_study, tmp_path):
    told = telltale("export", "--models", "--help")
    assert told.code == ALL_DONE and "--artifacts" in told.out and "TorchScript" in told.out
    assert "--models" in telltale("export", "--help").out
    assert_refused(telltale("export", finished_study.output, tmp_path / "out", "--models", "--format", "png"), "format")
