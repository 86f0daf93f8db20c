"""Human3.6M in its usual forms, with people who stand still or drift before made-up cameras."""

from __future__ import annotations

import pickle

import numpy as np

from onebody.datasets.human36m_recording import CAMERAS, JOINTS

RADIAL = np.array([-0.2071, 0.2478, -0.0031])
TANGENTIAL = np.array([-0.00142, -0.00098])


def naive_projection(points, camera):
    """Project ``[17, 3]`` metres of the camera's frame, joint by joint, as the model is written."""
    (f1, f2), (c1, c2) = camera["f"].ravel(), camera["c"].ravel()
    k1, k2, k3 = camera["k"].ravel()
    p1, p2 = camera["p"].ravel()
    found = []
    for big_x, big_y, big_z in points:
        x, y = big_x / big_z, big_y / big_z
        r2 = x * x + y * y
        factor = 1 + k1 * r2 + k2 * r2**2 + k3 * r2**3 + p1 * y + p2 * x
        found.append((f1 * (x * factor + p2 * r2) + c1, f2 * (y * factor + p1 * r2) + c2))
    return np.array(found)


def raw_camera(number):
    """MMPose's values of camera ``number`` (0 to 3): in a corner at 5 m, looking at the middle."""
    angle = np.pi / 4 + number * np.pi / 2
    place = np.array([5 * np.cos(angle), 5 * np.sin(angle), 1.6])
    away = np.array([0, 0, 1.0]) - place
    away /= np.linalg.norm(away)
    right = np.cross(away, [0, 0, 1.0])
    right /= np.linalg.norm(right)
    to_camera = np.stack([right, np.cross(away, right), away])
    return {
        "R": to_camera.T,
        "T": place[:, None],
        "c": np.array([[512.5], [515.5]]),
        "f": np.array([[1145.0], [1143.8]]),
        "k": RADIAL[:, None],
        "p": TANGENTIAL[:, None],
        "w": 1000,
        "h": 1002 if number in (0, 3) else 1000,
        "name": f"camera{number + 1}",
        "id": CAMERAS[number],
    }


def raw_cameras(subjects=("S1", "S9", "S11")):
    return {(s, name): raw_camera(i) for s in subjects for i, name in enumerate(CAMERAS)}


def write_pickle(folder, cameras):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cameras.pkl").write_bytes(pickle.dumps(cameras, protocol=4))


def write_h5(file, cameras):
    """Martinez' file: matrices as Matlab leaves them, names as codes, mm."""
    import h5py

    with h5py.File(file, "w") as opened:
        for (subject, name), camera in cameras.items():
            group = opened.create_group(f"subject{subject[1:]}/{camera['name']}")
            for key in "Rcfkp":
                group[key] = camera[key]
            group["T"] = camera["T"] * 1000
            group["Name"] = np.array([[ord(letter)] for letter in name], np.uint16)


def world(frames, seed=0):
    """``[T, 32, 3]`` metres: 32 points within a body's volume, drifting."""
    rng = np.random.default_rng(seed)
    body = rng.uniform([-0.3, -0.3, 0.0], [0.3, 0.3, 1.7], (32, 3))
    drift = np.stack([0.002 * np.arange(frames), np.zeros(frames), np.zeros(frames)], axis=-1)
    return (body + drift[:, None]).astype(np.float32)


def in_camera(points, camera):
    """Turn ``[..., 17, 3]`` metres of the world into a camera's frame."""
    return (points - camera["T"].ravel()) @ camera["R"]


def mmpose_arrays(takes, cameras, numbers):
    """Make MMPose's arrays of takes ``(subject, "Directions_1")`` at picture numbers."""
    names, part, space = [], [], []
    for seed, (subject, action) in enumerate(takes):
        points = world(max(numbers), seed)[:, JOINTS]
        for camera in CAMERAS:
            values = cameras[subject, camera]
            stem = f"{subject}_{action}.{camera}"
            for number in numbers:
                local = in_camera(points[number - 1], values)
                flat = naive_projection(local, values)
                names.append(f"{subject}/{stem}/{stem}_{number:06d}.jpg")
                part.append(np.c_[flat, np.ones(17)])
                space.append(np.c_[local, np.ones(17)])
    return {
        "imgname": np.array(names),
        "center": np.zeros((len(names), 2)),
        "scale": np.ones(len(names)),
        "part": np.array(part),
        "S": np.array(space),
    }


def write_mmpose(folder, *, numbers=range(1, 12), rate=50, cameras=None):
    """Write MMPose's form: two takes of S1, one of S9, the damaged one of S11."""
    cameras = raw_cameras() if cameras is None else cameras
    root = folder / "annotation_body3d"
    (root / f"fps{rate}").mkdir(parents=True)
    write_pickle(root, cameras)
    parts = {
        "train": [("S1", "Directions_1"), ("S1", "WalkingDog")],
        "test": [("S9", "TakingPhoto_2"), ("S11", "Directions")],
    }
    for name, takes in parts.items():
        arrays = mmpose_arrays(takes, cameras, list(numbers))
        np.savez(root / f"fps{rate}" / f"h36m_{name}.npz", **arrays)
    return cameras


def write_videopose3d(folder, positions):
    np.savez_compressed(folder / "data_3d_h36m.npz", positions_3d=positions)


def write_martinez(folder, positions):
    import h5py

    for subject, actions in positions.items():
        for action, points in actions.items():
            file = folder / subject / "MyPoses" / "3D_positions" / f"{action}.h5"
            file.parent.mkdir(parents=True, exist_ok=True)
            with h5py.File(file, "w") as opened:
                opened["3D_positions"] = points.reshape(len(points), 96).T * 1000
