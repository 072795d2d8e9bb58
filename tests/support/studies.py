"""The small studies that several tests look at, a few seconds of work each."""

import dataclasses

from telltale_runs import distinct_profiles, write_job

# Two watermarks and the clean network, a small grid, pruning, predictions: a second or two of work.
SMALL_STUDY = dict(title="A small study", train_images=400, test_images=100, epochs=1, batch=32, momentum=0.9,
                   scheme=["new-label", "noise-backdoor", "clean"], alpha=[0.01, 0.05], beta=0.1, repeats=2,
                   prune_scope=["global", "per-tensor"], prune_rate=[0, 0.5], predict_images=20, predict_batch=[1, 16])

# Trainings of a few tenths of a second, every kind of task.
STUDY_OF_EVERY_TASK = dict(train_images=400, test_images=100, epochs=3, batch=32, momentum=0.9, scheme=["new-label", "clean"], alpha=[0.02, 0.1],
                           beta=0.1, repeats=2, prune_rate=[0, 0.5], predict_images=50, predict_batch=[1, 16])

SMALL_AIME = dict(experiment="aime", train_images=3000, test_images=200, network="aime-cnn", epochs=2, momentum=0.9, repeats=2,
                  signature="", key_length=[4, 6], embed_on=["keys", "all"], embed_epochs=2, prune_rate=[0, 0.5])

SMALL_ANTI_PIRACY = dict(experiment="anti-piracy", train_images=1500, test_images=200, network="simple-cnn", learning_rate=0.05, momentum=0.9, batch=64,
                         epochs=2, transform=["learned", "generator", "none"], show_images=3, prune_rate=0.5, input_only_attempts=3,
                         fine_prune=0.5, fine_prune_epochs=1, quantise_bits=[2, 8], weight_noise=0.2, weight_shift=1.5, weight_shift_epochs=1,
                         smooth=3, input_noise=0.1, jpeg_quality=25,
                         pair_attempts=2, pairs=[1, 20], pair_model=["pattern", "generator"], pair_steps=3,
                         regain_labels=[0, 2], regain_by=["tune", "readout", "universal", "scratch"], regain_steps=5,
                         extract_queries=40, extract_answers=["labels", "probabilities"], extract_steps=5,
                         predict_images=30, predict_batch=4, precision=["float32", "bfloat16"])

SMALL_BACKDOOR = dict(experiment="backdoor", train_images=400, test_images=100, network="dnn-1", epochs=2, batch=32, optimizer="adam",
                      learning_rate=0.003, momentum=0, unrelated="glyphs", unrelated_class=7, unrelated_other_class=4, prune_rate=[0, 0.5], tune="ftal",
                      tune_epochs=1, embed=["joint", "tune"], embed_epochs=3, show_images=2, invert_from=["blank", "noise"],
                      invert_cost="cross-entropy", invert_steps=20)

# A network that trains in a second or two and has boundaries near every image.
SMALL_BOUNDARY = dict(experiment="boundary", dataset="glyphs", train_images=1000, test_images=100, network="dnn-1", epochs=2, batch=32,
                      learning_rate=0.05, momentum=0.9, images=6)
ALL_SEARCHES = dict(search=["code", "telltale"], target_machine=["any", "each"], grid=["float", "8-bit"], published_images=2,
                    local_limit=300, remote_limit=100, steps="yes")

# Two networks without a layer name in common but "output", every precision, three machines with one and two threads.
SMALL_COMPARISON = dict(experiment="compare", dataset="tiles", network=["resnet-20", "dnn-1"], train_images=32, test_images=20, epochs=1,
                        batch=16, eval_batch=20, predict_images=5, predict_batch=[1, 4], threads=[1, 2],
                        precision=["float32", "float64", "bfloat16"])

# Marked networks beside the clean one that they were embedded into.
SMALL_TWIST = dict(train_images=400, test_images=100, network="dnn-1", epochs=1, batch=32, optimizer="adam", learning_rate=0.003, repeats=2,
                   alpha=0.1, beta=0.01, embed="tune", embed_layers=["last", "all"], embed_epochs=1, embed_rate=0.003, twist="yes")


# Every watermark against every attack.
SMALL_OWNERSHIP = dict(experiment="ownership", train_images=3000, test_images=200, network="aime-cnn", epochs=2, momentum=0.9, unrelated="glyphs",
                       unrelated_class=7, unrelated_other_class=4, alpha=0.05, beta=0.1, signature="", key_length=4, key_images=50,
                       prune_rate=[0.5, 0.9], tune="ftal", tune_epochs=1, fine_prune=0.5, fine_prune_epochs=1, quantise_bits=[2, 8], weight_noise=0.2,
                       weight_shift=1.5, weight_shift_epochs=1, overwrite_keys=20, overwrite_epochs=1, extract_queries=100, extract_steps=5,
                       adaptive_extract_queries=100, adaptive_extract_votes=3, adaptive_extract_steps=5,
                       scratch_images=100, scratch_steps=5,
                       combine=["fine-tune+prune", "extract+fine-tune", "adaptive-extract+fine-tune"], remove_class=["extra", 0], smooth=3, input_noise=0.1, jpeg_quality=25,
                       reject_images=50, reject_steps=20, unrelated_labels="random", decoys=99, claim_queries=20, null_models=2,
                       null_strata="same, structure, data, marked", null_network="aime-seq", false_claim_networks=2, false_claim_tries=5,
                       bias_queries=200, bias_keys=20,
                       false_claims=["answers", "settings", "secrets", "transfer", "transfer-untargeted", "overwrite"], machines_prune_rate=[0, 0.9])


@dataclasses.dataclass
class SmallStudy:
    settings: dict
    ranks: int = 2
    profiles: str = ""
    environments: int = 0  # so many, whose bits differ, with a rank of each; 0: those of `profiles`


#: By the name that `finished` takes; CTest makes each once for all tests that look at it.
STUDIES = {
    "small": SmallStudy(SMALL_STUDY, 3, "best,others:1"),
    "aime": SmallStudy(SMALL_AIME),
    "anti-piracy": SmallStudy(SMALL_ANTI_PIRACY),
    "backdoor": SmallStudy(SMALL_BACKDOOR),
    "boundary": SmallStudy(SMALL_BOUNDARY | ALL_SEARCHES, 4, environments=3),
    "compare": SmallStudy(SMALL_COMPARISON, 4, "best,others:2"),
    "twist": SmallStudy(SMALL_TWIST),
    "ownership": SmallStudy(SMALL_OWNERSHIP, 3, "best,others:1"),
    "alone": SmallStudy(STUDY_OF_EVERY_TASK, 0),
    "mixed": SmallStudy(STUDY_OF_EVERY_TASK, 4, environments=3),
}
#: Of those, one of every experiment.
EXPERIMENTS = [name for name in STUDIES if name not in ("alone", "mixed")]


class TooFewEnvironments(Exception):
    """This CPU cannot run as many profiles whose bits differ as a study needs."""


def make_study(telltale, name, folder):
    """Runs it to its end: <name>.ini, x.h5 and what belongs to it. TooFewEnvironments: nothing is there."""
    study = STUDIES[name]
    job, profiles = write_job(folder / f"{name}.ini", **study.settings), study.profiles
    if study.environments:
        found = distinct_profiles(telltale, job)[:study.environments]
        if len(found) < study.environments:
            raise TooFewEnvironments(f"this CPU can run hardly any profile: {', '.join(found)}")
        profiles = ",".join(found)
    telltale.run(job, folder / "x.h5", *(["--profiles", profiles] if profiles else []), ranks=study.ranks)
