"""key and claim: a key leaves its study with a commitment, and says of any suspect what the study says of its own networks."""

import json
import shutil

import h5py
import numpy as np
import pytest
import xarray as xr

from refusals import assert_refused
from telltale_runs import ALL_DONE, SOME_FAILED

torch = pytest.importorskip("torch", reason="python3-torch is not installed")

PROVEN, NOT_PROVEN = ALL_DONE, SOME_FAILED


@pytest.fixture(scope="module")
def study(finished):
    return finished("ownership")


@pytest.fixture(scope="module")
def models(telltale, study, tmp_path_factory):
    """The study's marked networks as TorchScript, by scheme."""
    folder = tmp_path_factory.mktemp("models") / "out"
    done = telltale("export", study.output, folder, "--models")
    assert done.code == ALL_DONE, done.text
    found = {}
    for path in folder.glob("*.pt"):
        extra = {"telltale.json": ""}
        torch.jit.load(str(path), _extra_files=extra)
        for case in json.loads(extra["telltale.json"])["cases"]:
            found[case["scheme"]] = path
    return found


@pytest.fixture(scope="module")
def key(telltale, study, tmp_path_factory):
    """key(SCHEME): taken once, not to be changed."""
    taken = {}

    def take(scheme, *options):
        if (scheme, options) not in taken:
            path = tmp_path_factory.mktemp("key") / "key.h5"
            done = telltale("key", study.output, "-o", path, "--where", f"scheme={scheme}", *options)
            assert done.code == ALL_DONE, done.text
            taken[scheme, options] = path
        return taken[scheme, options]
    return take


def trained(study):
    with xr.open_dataset(study.output, group="train", engine="h5netcdf") as train:
        return train.load()


def claim(telltale, key, suspect, *options, code=None):
    done = telltale("claim", key, suspect, "--json", *options)
    assert done.code in (PROVEN, NOT_PROVEN) and (code is None or done.code == code), done.text
    return json.loads(done.out)


def p_of(told, by):
    return next(test["p"] for test in told["tests"] if by in test["by"])


@pytest.mark.parametrize("scheme", ["content", "unrelated", "noise", "new-label", "noise-backdoor", "aime", "telltale"])
def test_a_claim_says_of_the_studys_own_network_what_the_study_says(telltale, study, models, key, scheme):
    told = claim(telltale, key(scheme), models[scheme])
    case = trained(study).sel(scheme=scheme).squeeze()
    assert (told["asked"], told["matches"]) == (int(case.claim_queries), int(case.claim_matches))
    for variable, by in (("p_key", "decoys"), ("p_labels", "drawn labels")):
        there = float(case[variable])
        assert np.isnan(there) == all(by not in test["by"] for test in told["tests"])
        if not np.isnan(there):
            assert p_of(told, by) == there
    for stratum in case.null_stratum.values if scheme != "new-label" else ():  # whose null models have no output for its label
        assert p_of(told, f"null models of the study, {stratum}") == float(case.p_model_by_stratum.sel(null_stratum=stratum))
    assert told["verdict"] == str(case.verdict.values)


def test_queries_without_null_models_prove_by_drawn_labels(telltale, models, key):
    told = claim(telltale, key("unrelated", "--queries", "15"), models["unrelated"])
    assert [test["by"] for test in told["tests"]] == ["secret: decoys", "secret: drawn labels"] and told["asked"] == 15
    assert told["verdict"] == ("proven" if told["p"] <= 0.01 else "not proven")


def test_products_and_safetensors_are_suspects_too(telltale, study, models, key):
    script = models["noise"]
    there = claim(telltale, key("noise"), script)
    assert claim(telltale, key("noise"), script.with_suffix(".safetensors")) == there
    task = str(trained(study).sel(scheme="noise").squeeze().model_task.values)
    product = next(path for path in (study.folder / "artifacts").rglob(f"*{task}*") if path.suffix != ".json")
    assert claim(telltale, key("noise"), product) == there


def test_several_commitments_cost_and_the_right_one_is_needed(telltale, models, key):
    path = key("unrelated", "--queries", "15")
    once = claim(telltale, path, models["unrelated"], "--commitment", h5py.File(path)["/"].attrs["commitment"])
    assert once["faults"] == []
    many = claim(telltale, path, models["unrelated"], "--commitments", "1000", code=NOT_PROVEN)
    assert many["p"] == min(1, 1000 * once["p"]) and many["verdict"] in ("unresolved", "not proven")
    other = claim(telltale, path, models["unrelated"], "--commitment", "0" * 64, code=NOT_PROVEN)
    assert other["verdict"] == "inadmissible" and "not this key's" in other["faults"][0]


def test_the_owners_model_has_to_be_the_committed_one(telltale, study, models, key):
    def product(scheme):
        task = str(trained(study).sel(scheme=scheme).squeeze().model_task.values)
        return next(path for path in (study.folder / "artifacts").rglob(f"*{task}*") if path.suffix != ".json")
    path = key("unrelated", "--queries", "15")
    assert claim(telltale, path, models["unrelated"], "--owner-model", product("unrelated"))["faults"] == []
    other = claim(telltale, path, models["unrelated"], "--owner-model", product("noise"), code=NOT_PROVEN)
    assert other["verdict"] == "inadmissible" and "not the one that was committed to" in other["faults"][0]
    assert_refused(telltale("claim", path, models["unrelated"], "--owner-model", "nowhere"), "--owner-model")


def answered(model, folder):
    """The form, filled in as a service would."""
    with torch.no_grad():
        labels = torch.jit.load(str(model))(torch.from_numpy(np.load(folder / "queries.npy"))).argmax(1).tolist()
    lines = (folder / "answers.csv").read_text().splitlines()
    filled = [line + str(labels[int(line[:-1])]) if line[:1].isdigit() else line for line in lines]
    (folder / "answers.csv").write_text("\n".join(filled) + "\n")
    return folder / "answers.csv"


@pytest.mark.parametrize("scheme", ["noise", "unrelated"])
def test_a_services_answers_are_judged_as_the_model_is(telltale, study, models, tmp_path, scheme):
    options = ["--decoys", "9", "--queries", "10", "--form", tmp_path / "form"]
    done = telltale("key", study.output, "-o", tmp_path / "key.h5", "--where", f"scheme={scheme}", *options)
    assert done.code == ALL_DONE, done.text
    with h5py.File(tmp_path / "key.h5") as file:
        own = file["label"].size
    # Decoys of a scheme that draws images are asked among the owner's; those of one that draws labels are the same images.
    assert len(np.load(tmp_path / "form/queries.npy")) == (10 * own if scheme == "noise" else own)
    answers = answered(models[scheme], tmp_path / "form")
    there = claim(telltale, tmp_path / "key.h5", models[scheme])
    assert claim(telltale, tmp_path / "key.h5", answers) == there
    # One answer less is one match less, or none.
    lines = answers.read_text().splitlines()
    answers.write_text("\n".join(line.split(",")[0] + "," if line[:1].isdigit() else line for line in lines) + "\n")
    nothing = claim(telltale, tmp_path / "key.h5", answers, code=NOT_PROVEN)
    assert (nothing["matches"], nothing["unanswered"]) == (0, own)


def test_answers_that_do_not_belong_to_the_key_are_refused(telltale, study, key, tmp_path):
    telltale("key", study.output, "-o", tmp_path / "key.h5", "--where", "scheme=unrelated", "--form", tmp_path / "form")
    form = tmp_path / "form/answers.csv"
    assert_refused(telltale("claim", key("unrelated"), form), "a form for other samples")
    whole = form.read_text()
    form.write_text(whole + "5000,3\n")
    assert_refused(telltale("claim", tmp_path / "key.h5", form), "there is no sample 5000")
    form.write_text(whole + "1,3\n1,4\n")
    assert_refused(telltale("claim", tmp_path / "key.h5", form), "sample 1 has the label 4 here, and 3 in line")
    assert_refused(telltale("claim", tmp_path / "key.h5", tmp_path / "none.csv"), "cannot read the answers")


def changed(key, folder, change):
    path = folder / "changed.h5"
    shutil.copyfile(key, path)
    with h5py.File(path, "r+") as file:
        change(file)
    return path


def test_a_key_that_was_changed_is_inadmissible(telltale, models, key, tmp_path):
    def relabel(file):
        file["label"][0] = (file["label"][0] + 1) % 10

    def reseed(file):
        manifest = json.loads(file.attrs["manifest"])
        manifest["scheme"]["seed"] += 1
        file.attrs["manifest"] = json.dumps(manifest)

    for change, fault in ((relabel, "not those that were committed to"), (reseed, "not one to what the key says")):
        told = claim(telltale, changed(key("noise"), tmp_path, change), models["noise"], code=NOT_PROVEN)
        assert told["verdict"] == "inadmissible" and any(fault in one for one in told["faults"]), told


def test_what_is_no_key_or_of_other_data_is_refused(telltale, study, models, key, tmp_path):
    assert_refused(telltale("claim", study.output, models["noise"]), "is no key: `telltale key` writes one")
    assert_refused(telltale("claim", tmp_path / "none.h5", models["noise"]), "there is no key")
    (tmp_path / "text.h5").write_text("no HDF5 at all")
    assert_refused(telltale("claim", tmp_path / "text.h5", models["noise"]), "is no key")

    def of_version(number):
        def change(file):
            file.attrs["version"] = np.int64(number)
        return changed(key("noise"), tmp_path, change)

    def other_data(file):
        manifest = json.loads(file.attrs["manifest"])
        manifest["data"]["seed"] += 1
        file.attrs["manifest"] = json.dumps(manifest)
    assert_refused(telltale("claim", of_version(3), models["noise"]), "is of version 3", "a newer one reads it")
    assert_refused(telltale("claim", of_version(1), models["noise"]), "is of version 1", "takes it from its study anew")
    assert_refused(telltale("claim", changed(key("noise"), tmp_path, other_data), models["noise"]), "is not the one that this key was made of")


def test_which_key_is_meant_has_to_be_said(telltale, study, finished, tmp_path):
    assert_refused(telltale("key", study.output, "-o", tmp_path / "key.h5"), "there are 7 marked ones", '--where "scheme=')
    assert_refused(telltale("key", study.output, "-o", tmp_path / "key.h5", "--where", "scheme=clean"), "no marked case has the scheme clean")
    assert_refused(telltale("key", finished("boundary").output, "-o", tmp_path / "key.h5"), "marks no network")
    (tmp_path / "there.h5").touch()
    assert_refused(telltale("key", study.output, "-o", tmp_path / "there.h5", "--where", "scheme=noise"), "never overwritten")
    assert_refused(telltale("key", study.output, "-o", tmp_path / "png.h5", "--where", "scheme=noise", "--form", tmp_path / "form", "--format", "png"),
                   "cannot be a PNG")
    assert not (tmp_path / "png.h5").exists()


class Ten(torch.nn.Module):
    """Somebody's own network."""

    def __init__(self):
        super().__init__()
        self.dense = torch.nn.Linear(784, 10)

    def forward(self, images):
        return self.dense(images.flatten(1))


class Hangs(Ten):
    def forward(self, images):
        answers = self.dense(images.flatten(1))
        while bool(answers.numel() > 0):
            answers = answers + 1
        return answers


class Hungry(Ten):
    def forward(self, images):
        return self.dense(images.flatten(1)) + torch.zeros([1 << 36]).sum()


class Reads(Ten):
    def forward(self, images):
        return self.dense(images.flatten(1)) + torch.from_file("SECRET", False, 4).sum()


class Writes(Ten):
    def forward(self, images):
        return self.dense(images.flatten(1)) + torch.from_file("SECRET.new", True, 4).sum()


class Flat(Ten):
    def forward(self, images):
        return self.dense(images.flatten(1)).flatten()


def scripted(module, path):
    torch.jit.script(module).save(str(path))
    return path


def test_a_model_from_elsewhere_is_a_suspect(telltale, key, tmp_path):
    told = claim(telltale, key("noise"), scripted(Ten(), tmp_path / "ten.pt"), code=NOT_PROVEN)
    assert told["verdict"] != "proven" and not told["faults"]
    structural = claim(telltale, key("new-label"), tmp_path / "ten.pt", code=NOT_PROVEN)
    assert structural["matches"] == 0 and "cannot give the claimed label 10" in structural["notes"][0]


@pytest.mark.parametrize("module", [Reads, Writes])
def test_a_model_reaches_no_file(telltale, key, tmp_path, module, monkeypatch):
    secret = np.arange(4, dtype=np.float32)
    secret.tofile(tmp_path / "SECRET")
    monkeypatch.chdir(tmp_path)
    model = scripted(module(), tmp_path / "model.pt")
    # Unconfined it does what it wants.
    torch.jit.load(str(model))(torch.zeros(1, 1, 28, 28))
    for path in tmp_path.glob("SECRET.new"):
        path.unlink()
    assert_refused(telltale("claim", key("noise"), model), "model.pt cannot be asked")
    assert not (tmp_path / "SECRET.new").exists()


def test_a_model_that_hangs_or_is_hungry_or_damaged_is_given_up(telltale, key, tmp_path):
    assert_refused(telltale("claim", key("noise"), scripted(Hangs(), tmp_path / "hangs.pt"), "--time-limit", "2"), "did not come to an end")
    assert_refused(telltale("claim", key("noise"), scripted(Hungry(), tmp_path / "hungry.pt")), "hungry.pt cannot be asked")
    assert_refused(telltale("claim", key("noise"), scripted(Flat(), tmp_path / "flat.pt")), "rows of logits")
    cut = tmp_path / "cut.pt"
    cut.write_bytes(scripted(Ten(), tmp_path / "ten.pt").read_bytes()[:3000])
    assert_refused(telltale("claim", key("noise"), cut), "cut.pt cannot be asked")
    assert_refused(telltale("claim", key("noise"), tmp_path / "none.pt"), "none.pt cannot be read")
    narrow = scripted(torch.nn.Sequential(torch.nn.Flatten(1), torch.nn.Linear(12, 10)), tmp_path / "narrow.pt")
    assert_refused(telltale("claim", key("noise"), narrow), "narrow.pt cannot be asked")


def test_a_key_is_for_its_owners_eyes(key):
    assert key("noise").stat().st_mode & 0o777 == 0o600
