"""The case library: a folder of images, predictions and corrections with an index, for several processes at once.

Every write goes the same way: volumes are written to `incoming/` and flushed, then, under the index's lock for writers,
they get their names, and last the index is told. A process that is killed leaves files that the index does not know,
which `dualssl.cases.check` finds; it never leaves an index that knows files which are not there.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from dualssl.cases import index, layout
from dualssl.cases.contents import MAPS, LibraryContents
from dualssl.cases.database import create_database, damaged_index, open_database
from dualssl.cases.names import check_case_name
from dualssl.cases.notes import case_note, description_note, labels_note, prediction_note, read_note, state_note
from dualssl.cases.records import (
    CaseRecord,
    LabelVersion,
    PredictionFiles,
    PredictionRecord,
    Provenance,
    now,
    time_text,
)
from dualssl.cases.states import CaseState, check_transition, settled_state
from dualssl.cases.store import incoming, place, set_aside, stored_file
from dualssl.cases.validation import (
    check_channels,
    checked_features,
    checked_label_map,
    checked_map,
    checked_mask,
    checked_regions,
    checked_scores,
    plain_text,
    voxels_changed,
)
from dualssl.errors import DualSSLError, LibraryError
from dualssl.files import atomic_folder, write_json
from dualssl.volumes.write import write_volume

if TYPE_CHECKING:
    from dualssl.labels import LabelTable
    from dualssl.volumes.volume import Volume

_log = logging.getLogger(__name__)

_CREATE = "dualssl cases create FOLDER --like DATASET_OR_MODEL"


class CaseLibrary(LibraryContents):
    """An open library. Any thread may use it; what changes the library waits for other writers."""

    @classmethod
    def create(cls, folder: Path, labels: LabelTable, channel_names: tuple[str, ...]) -> CaseLibrary:
        """Make a library and open it.

        Args:
            folder: new or empty; folders above it are created.
            labels: the structures that label maps may hold.
            channel_names: modality of each image channel; every case has all of them.

        Raises:
            LibraryError: no label or no channel.
            OutputError: `folder` holds something, or cannot be written.
        """
        if not len(labels) or not channel_names:
            raise LibraryError("A library needs at least one structure and one image channel: name them.")
        note = description_note(labels, channel_names, time_text(now()))
        with atomic_folder(folder) as temporary:
            (temporary / layout.CASES).mkdir()
            write_json(temporary / layout.DESCRIPTION, note)
            create_database(temporary / layout.INDEX, note)
        return cls.open(folder)

    @classmethod
    def open(cls, folder: Path) -> CaseLibrary:
        """Open a library.

        Raises:
            LibraryError: there is none, it is of a newer version, or its index is lost or damaged.
        """
        if not folder.is_dir():
            raise LibraryError(f"There is no case library {folder}: choose another folder, or make one.", command_line=_CREATE)
        path = folder / layout.INDEX
        if not path.is_file():
            if (folder / layout.DESCRIPTION).is_file():
                raise damaged_index(path, "it is not there")
            raise LibraryError(
                f"{folder} is no case library, it has no {path.name}: choose another folder, or make one.", command_line=_CREATE
            )
        database = open_database(path)
        try:
            return cls(folder, database)
        except (TypeError, KeyError, ValueError) as error:
            database.close()
            raise damaged_index(path, "it does not say what labels and channels the library has") from error
        except BaseException:
            database.close()
            raise

    def add_case(
        self,
        name: str,
        channels: Sequence[Volume],
        *,
        group: str | None = None,
        source: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> CaseRecord:
        """Add a case; its state is `waiting`.

        Args:
            name: letters, digits, `-`, `_`, `.` and blanks inside; unique whatever the case of its letters.
            channels: one volume for each of the library's channels, all on one grid. float64 is read back as float32.
            group: cases of one group (a patient) are alike; None takes the name itself.
            source: where the image comes from. May identify a patient: only what is given here is stored.
            metadata: anything else; the same holds for it.

        Raises:
            LibraryError: the name is taken or cannot be used, or the channels do not fit.
            VolumeError: a channel shows nothing.
            OutputError: no space, no permission.
        """
        self.require_writable()
        check_case_name(name)
        index.refuse_taken_name(self.database, name)
        check_channels(name, channels, self.channel_names)
        time = now()
        case = CaseRecord(
            name=name,
            uid=uuid4().hex,
            group=plain_text(group or name, "a group"),
            source=None if source is None else plain_text(source, "a source"),
            metadata={plain_text(k, "metadata"): plain_text(v, "metadata") for k, v in (metadata or {}).items()},
            state=CaseState.waiting,
            added=time,
            changed=time,
        )
        grid = channels[0].geometry
        target = layout.case_folder(self.folder, name)
        with incoming(self.folder, "case") as temporary:
            for number, volume in enumerate(channels):
                write_volume(volume, temporary / layout.image_file(number))
            files = [stored_file(temporary, layout.image_file(number)) for number in range(len(channels))]
            write_json(temporary / layout.CASE_NOTE, case_note(case, grid, files))
            write_json(temporary / layout.STATE_NOTE, state_note(case))
            try:
                with self.database.writing():
                    index.insert_case(self.database, case, grid, files)
                    if target.exists():
                        # Of a write that was killed, for the index knows no such case.
                        set_aside(self.folder, layout.RECOVERED, name, target)
                    place(temporary, target)
            except DualSSLError:
                _take_back(target, temporary, case.uid)
                raise
        return case

    def add_prediction(self, name: str, prediction: PredictionFiles) -> PredictionRecord:
        """Add a prediction to a case; a waiting case becomes `predicted`, other states stay.

        Raises:
            LibraryError: there is no such case, or the volumes or numbers do not fit.
            OutputError: no space, no permission.
        """
        self.require_writable()
        case, grid = self.case(name), self.geometry(name)
        what = f"of the prediction for case '{name}'"
        volumes = {"labels": checked_label_map(prediction.labels, f"label map {what}", self.labels, grid)}
        for kind in MAPS:
            volume: Volume | None = getattr(prediction, kind)
            if volume is not None:
                volumes[kind] = checked_map(volume, f"{kind} {what}", grid)
        record = PredictionRecord(
            number=0,
            created=now(),
            provenance=Provenance(
                None if prediction.model_id is None else plain_text(prediction.model_id, "a model id"),
                None if prediction.model_sha256 is None else plain_text(prediction.model_sha256, "a checksum"),
            ),
            scores=checked_scores(prediction.scores, name),
            features=checked_features(prediction.features, name),
        )
        folder = layout.case_folder(self.folder, name)
        with incoming(self.folder, "prediction") as temporary:
            for kind, volume in volumes.items():
                write_volume(volume, temporary / f"{kind}.nrrd")
            written = [stored_file(temporary, f"{kind}.nrrd") for kind in volumes]
            with self.database.writing():
                current = self._still_there(case)
                record = replace(record, number=self._next_prediction(name))
                files = [replace(f, path=f"{layout.prediction_folder(record.number)}/{f.path}") for f in written]
                index.insert_prediction(self.database, name, record, files)
                write_json(temporary / layout.PREDICTION_NOTE, prediction_note(name, record, files))
                place(temporary, folder / layout.prediction_folder(record.number))
                store_state(self, current, settled_state(current.state, True, current.labels is not None))
        return record

    def save_correction(
        self,
        name: str,
        labels: Volume,
        *,
        reviewer: str,
        edit_mask: Volume | None = None,
        based_on: int | None = None,
        started: datetime | None = None,
        regions_reviewed: Sequence[Mapping[str, Any]] = (),
        notes: str = "",
    ) -> LabelVersion:
        """Add a label version to a case, which becomes `corrected`; an excluded case stays excluded.

        Args:
            name: of the case.
            labels: label map on the image's grid.
            reviewer: who answers for it.
            edit_mask: 1 where a person edited, 255 where nobody looked, 254 outside of the box that was segmented, 0 elsewhere,
                on the same grid. Where nobody looked, the labels are kept but never trained on, and such a case proves nothing
                about a model. What lies outside of the box is no part of the case for training and scores.
            based_on: number of the prediction that was corrected; None takes the newest, if there is one.
            started: when the review began; without a time zone it is taken as local.
            regions_reviewed: plain data of each region that was looked at.
            notes: free text.

        Raises:
            LibraryError: there is no such case or prediction, the labels or the mask do not fit, or the case was removed while
                this was being written; then the labels are in `recovered/`.
            OutputError: no space, no permission.
        """
        self.require_writable()
        case, grid = self.case(name), self.geometry(name)
        label_map = checked_label_map(labels, f"label map for case '{name}'", self.labels, grid)
        mask = None if edit_mask is None else checked_mask(edit_mask, f"edit mask for case '{name}'", grid)
        if not reviewer.strip():
            raise LibraryError(f"The labels for case '{name}' name no reviewer: say who answers for them.")
        version = LabelVersion(
            number=0,
            created=now(),
            reviewer=plain_text(reviewer, "a reviewer's name"),
            started=None if started is None else datetime.fromisoformat(time_text(started)),
            regions_reviewed=checked_regions(regions_reviewed),
            notes=plain_text(notes, "notes"),
        )
        version = self._compared(case, version, based_on, label_map)
        with incoming(self.folder, "correction") as temporary:
            # First, so that labels which are found later say whose they are.
            write_json(temporary / "correction.json", {"case": name, "case_uid": case.uid, **version.to_json()})
            write_volume(label_map, temporary / "labels.nrrd")
            if mask is not None:
                write_volume(mask, temporary / "edits.nrrd")
            try:
                with self.database.writing():
                    return self._place_correction(case, version, temporary)
            except _CaseGoneError as error:
                kept = set_aside(self.folder, layout.RECOVERED, name, *sorted(temporary.iterdir()))
                raise LibraryError(f"{error} The labels were not lost, they are in {kept}.") from error

    def set_state(self, name: str, state: CaseState) -> CaseRecord:
        """Take a case into review, out of use, or back to where its data put it (waiting, predicted or corrected).

        Raises:
            LibraryError: there is no such case, or its data contradict the state.
            OutputError: no space, no permission.
        """
        self.require_writable()
        self.case(name)
        with self.database.writing():
            case = self.case(name)
            check_transition(name, state, case.prediction is not None, case.labels is not None)
            return store_state(self, case, state)

    def remove_case(self, name: str) -> Path | None:
        """Take a case out of the library; its folder goes to `trash/`, nothing is deleted.

        To undo it, move that folder back to `cases/` and run `dualssl cases check --repair`.

        Returns:
            Where the folder lies now; None if it was gone already.

        Raises:
            LibraryError: there is no such case.
            OutputError: no permission.
        """
        self.require_writable()
        self.case(name)
        folder = layout.case_folder(self.folder, name)
        trash: Path | None = None
        try:
            with self.database.writing():
                index.delete_case(self.database, self.case(name).name)
                if folder.is_dir():
                    trash = set_aside(self.folder, layout.TRASH, name, folder) / name
        except DualSSLError:
            if trash is not None:
                with suppress(OSError):
                    trash.replace(folder)
            raise
        return trash

    def _place_correction(self, case: CaseRecord, version: LabelVersion, temporary: Path) -> LabelVersion:
        """Give a correction its number, its files their names, and tell the index; inside a transaction."""
        current = self._still_there(case)
        folder = layout.case_folder(self.folder, case.name)
        known = {v.number for v in index.label_versions_of(self.database, case.name)}
        version = replace(version, number=max(known | layout.label_numbers(folder), default=0) + 1)
        names = {"labels.nrrd": layout.labels_file(version.number), "edits.nrrd": layout.edits_file(version.number)}
        files = [stored_file(temporary, name, path) for name, path in names.items() if (temporary / name).exists()]
        index.insert_label_version(self.database, case.name, version, files)
        for name, path in names.items():
            if (temporary / name).exists():
                place(temporary / name, folder / path)
        write_json(folder / layout.labels_note(version.number), labels_note(case.name, version, files))
        keeps = current.state is CaseState.excluded
        store_state(self, current, CaseState.excluded if keeps else CaseState.corrected)
        return version

    def _compared(self, case: CaseRecord, version: LabelVersion, based_on: int | None, label_map: Volume) -> LabelVersion:
        """A label version with its prediction, and what changed against it."""
        record = case.prediction if based_on is None else self._prediction(case.name, based_on)
        if record is None:
            return version
        version = replace(version, based_on=record.number, provenance=replace(record.provenance, program=Provenance().program))
        try:
            before = self._label_map(case.name, layout.prediction_file(record.number, "labels"))
        except DualSSLError as error:
            # Somebody's labels are worth more than a count of what they changed.
            _log.warning("What changed in case %s is not known: %s", case.name, error)
            return version
        changed, total = voxels_changed(before.array, label_map.array, self.labels)
        return replace(version, voxels_changed=changed, voxels_changed_total=total)

    def _still_there(self, case: CaseRecord) -> CaseRecord:
        """The case as it is now that no other process can change it."""
        current = index.find_case(self.database, case.name)
        if current is None or current.uid != case.uid:
            raise _CaseGoneError(f"Case '{case.name}' was removed by another program while this was being stored.")
        if not layout.case_folder(self.folder, case.name).is_dir():
            raise _CaseGoneError(
                f"The folder {layout.case_folder(self.folder, case.name)} is gone: put it back, or remove the case."
            )
        return current

    def _next_prediction(self, name: str) -> int:
        """A number that no prediction has, had on the disk, or is named by in a label version."""
        used = {record.number for record in index.predictions_of(self.database, name)}
        used |= {version.based_on or 0 for version in index.label_versions_of(self.database, name)}
        used |= layout.prediction_numbers(layout.case_folder(self.folder, name))
        return max(used, default=0) + 1


def store_state(library: LibraryContents, case: CaseRecord, state: CaseState) -> CaseRecord:
    """Give a case a state, in the index and in its note; inside a transaction."""
    if case.state is state:
        return case
    changed = replace(case, state=state, changed=now())
    index.update_state(library.database, case.name, state, changed.changed)
    write_json(layout.case_folder(library.folder, case.name) / layout.STATE_NOTE, state_note(changed))
    return changed


class _CaseGoneError(LibraryError):
    """The case that something was to be stored for is not there any more."""


def _take_back(target: Path, temporary: Path, uid: str) -> None:
    """Undo the placing of a new case of which the index was not told, so that it can be added again."""
    note = read_note(target / layout.CASE_NOTE)
    if note is not None and note.get("uid") == uid:
        with suppress(OSError):
            target.replace(temporary)
