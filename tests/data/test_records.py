import shutil


def copied(dataset, tmp_path):
  directory = tmp_path / "copy"
  shutil.copytree(dataset.directory, directory)
  return directory
