"""The small studies that several tests look at."""

from telltale_runs import write_job

# Two watermarks and the clean network, a small grid, pruning, predictions: a second or two of work.
SMALL_STUDY = dict(title="A small study", train_images=400, test_images=100, epochs=1, batch=32, momentum=0.9,
                   scheme=["new-label", "noise-backdoor", "clean"], alpha=[0.01, 0.05], beta=0.1, repeats=2,
                   prune_scope=["global", "per-tensor"], prune_rate=[0, 0.5], predict_images=20, predict_batch=[1, 16])

# Trainings of a few tenths of a second, every kind of task.
STUDY_OF_EVERY_TASK = dict(train_images=400, test_images=100, epochs=3, batch=32, momentum=0.9, scheme=["new-label", "clean"], alpha=[0.02, 0.1],
                           beta=0.1, repeats=2, prune_rate=[0, 0.5], predict_images=50, predict_batch=[1, 16])


def make_finished_study(telltale, folder):
    job = write_job(folder / "small.ini", **SMALL_STUDY)
    telltale.run(job, folder / "x.h5", "--profiles", "best,others:1", ranks=3)
