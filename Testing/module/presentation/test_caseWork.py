"""What is said of a case under review, of edits, of merging, and of handing it over."""

import numpy as np

from DualSSLSegmentationLib.presentation.editView import editsText, editView
from DualSSLSegmentationLib.presentation.handoverView import LookedAt, handoverView, savedText, suggestedName
from DualSSLSegmentationLib.presentation.mergeQuestion import NEW, mergeFor, mergeQuestion, needsAsking
from DualSSLSegmentationLib.presentation.reviewView import reviewView
from DualSSLSegmentationLib.review.editTracking import EditSummary
from DualSSLSegmentationLib.review.protection import MergeChoice

INSIDE_NOTHING = np.s_[1:3, 2:5, 2:6]
READY = {"running": False, "caseName": "Case 1", "reviewer": "Dr. M", "whole": False}


def painted(session):
    session.editor.paint(INSIDE_NOTHING)
    session.turn()


# Review


def test_without_a_case_nothing_can_be_reviewed():
    view = reviewView(None)
    assert view.rows == ()
    assert not any(offer.enabled for offer in (view.next, view.accept, view.flag, view.reopen, *view.take.values()))
    assert view.next.unless == "Segment a volume first"


def test_regions_stand_in_order_of_rank_and_the_one_in_front_is_told(session):
    entries = session.review.entries()
    view = reviewView(session)
    assert [row.id for row in view.rows] == [entry.region.id for entry in entries]
    assert [row.rank for row in view.rows] == [str(n + 1) for n in range(len(entries))]
    assert view.current is None
    assert view.accept.unless == "Choose a region in the table, or press Next"
    session.next()
    view = reviewView(session)
    assert view.current == entries[0].region.id
    assert view.accept.enabled
    assert view.reopen.unless == "Nothing has been decided on this region"


def test_decisions_are_seen_in_words_and_counted(session):
    session.next()
    first = session.current.id
    session.accept()
    session.goTo(first)
    view = reviewView(session)
    assert view.rows[0].state == "accepted"
    assert view.rows[0].decision == "accepted"
    assert view.summary == f"1 of {len(view.rows)} regions decided, 0 flagged"
    assert view.reopen.enabled
    session.take("b")
    assert "network B taken" in reviewView(session).rows[0].state


def test_where_all_is_decided_there_is_no_next(session):
    for entry in session.review.entries():
        session.review.accept(entry.region.id)
    assert reviewView(session).next.unless == "No region is open"


def test_holding_edits_inside_a_region_is_told(session):
    session.next()
    session.editOnlyInside(True)
    assert reviewView(session).onlyInside
    session.editOnlyInside(False)
    assert not reviewView(session).onlyInside


# Edits


def test_edits_are_counted_in_words(session):
    assert editsText(None) == "Segment a volume first."
    assert editsText(session.edits) == "Nothing has been changed by hand."
    painted(session)
    assert editsText(session.edits) == "24 voxels changed by hand"
    assert editsText(EditSummary(voxels=1234)) == "1,234 voxels changed by hand"
    assert editsText(EditSummary(voxels=9, overlapping=3)).startswith("3 voxels belong to two structures")
    assert editsText(EditSummary(problem="The image is gone.")) == "The image is gone."


def test_undo_says_whether_there_is_a_step():
    assert editView(None, True, True).undo.unless == "Segment a volume first"
    assert not editView(None, False, False).editable


def test_undo_and_redo_follow_their_steps(session):
    view = editView(session, True, False)
    assert view.editable
    assert view.undo.enabled
    assert view.redo.unless == "Nothing was taken back"
    assert editView(session, False, True).undo.unless == "There is nothing to take back"


# Segmenting again


def test_a_person_is_asked_only_where_work_could_be_lost(session):
    image = session.case.image
    assert not needsAsking(None, image)
    assert not needsAsking(session, image)
    painted(session)
    assert needsAsking(session, image)
    assert not needsAsking(session, object())


def test_a_decision_alone_is_work_too(session):
    session.review.accept(session.review.entries()[0].region.id)
    assert needsAsking(session, session.case.image)


def test_the_safest_answer_comes_first_and_voxels_are_named():
    question = mergeQuestion(1234)
    assert question.answers[0][1] is MergeChoice.keepMine
    assert {answer for _text, answer in question.answers} == {*MergeChoice, NEW}
    assert "1,234" in question.text


def test_answers_become_what_the_workspace_takes(session):
    image, node = session.case.image, session.case.node
    assert mergeFor(session, image, MergeChoice.onlyUntouched) == (node, MergeChoice.onlyUntouched)
    assert mergeFor(session, image, NEW) is None
    assert mergeFor(session, object(), MergeChoice.keepMine) is None
    assert mergeFor(None, image, None) is None
    # Nobody was asked, for there is no work.
    assert mergeFor(session, image, None) == (node, MergeChoice.takeModel)


# Handing over


def test_a_case_is_handed_over_with_name_and_reviewer_once_something_was_looked_at(session):
    assert handoverView(None, **READY).press.unless == "Segment a volume first"
    assert handoverView(session, **{**READY, "caseName": "  "}).press.unless == "Give the case a name first"
    assert handoverView(session, **{**READY, "reviewer": ""}).press.unless == "Name the reviewer first"
    assert handoverView(session, **READY).press.unless.startswith("Decide on a region")
    assert handoverView(session, **{**READY, "whole": True}).press.enabled
    painted(session)
    assert handoverView(session, **READY).press.enabled


def test_while_a_case_is_saved_the_button_stops_it(session):
    view = handoverView(session, **{**READY, "running": True})
    assert view.button == "Cancel"
    assert view.press.enabled
    assert not view.wholeCase.enabled


def test_whoever_decided_on_all_regions_has_looked_at_the_whole_case_until_they_say_otherwise(session):
    looked = LookedAt()
    assert not looked.whole(session)
    for entry in session.review.entries():
        session.review.accept(entry.region.id)
    assert looked.whole(session)
    looked.say(False)
    assert not looked.whole(session)
    looked.forget()
    assert looked.whole(session)
    assert not looked.whole(None)


def test_a_case_is_named_after_its_volume(session):
    session.case.image.SetName("MR: Müller/1")
    assert suggestedName(session) == "MR_ M_ller_1"
    assert savedText({"case": "A", "version": 2}) == "Saved as 'A', version 2."
