"""Methods and signals that PySide has and PythonQt on Qt 5.15 has not; Slicer 5.10 is built on that.

Found by comparing PySide 6.11 with the wrappers that PythonQt generates for Qt 5.15, for the classes a panel is likely to use.
They are no attributes here, so that a module which is tested on Qt 6 runs on both.
"""

from __future__ import annotations

METHODS: dict[str, frozenset[str]] = {
    name: frozenset(members.split())
    for name, members in {
        "QWidget": "find internalWinId setAccessibleIdentifier setScreen",
        "QComboBox": "setLabelDrawingMode",
        "QTableWidget": "setSupportedDragActions",
        "QListWidget": "setSupportedDragActions",
        "QTreeWidget": "setSupportedDragActions",
        "QAbstractItemView": "initViewItemOption itemDelegateForIndex setKeyboardSearchFlags setUpdateThreshold",
        "QHeaderView": "initStyleOptionForIndex isSortIndicatorClearable setSortIndicatorClearable",
        "QFormLayout": "isRowVisible setRowVisible",
        "QGridLayout": "getItemPosition",
        "QLayout": "getContentsMargins setHorizontalSizeConstraint setSizeConstraints setVerticalSizeConstraint "
        "totalMinimumHeightForWidth unsetContentsMargins",
        "QSplitter": "getRange",
        "QMessageBox": "setOption setOptions testOption",
        "QMenu": "menuInAction",
        "QAction": "associatedObjects",
        "QShortcut": "keys setKeys",
        "QTimer": "id intervalAsDuration remainingTimeAsDuration",
        "QProcess": "failChildProcessModifier setUnixProcessParameters startCommand unixProcessParameters",
        "QProcessEnvironment": "inheritsFromParent",
        "QIODevice": "readLineInto skipData",
        "QPixmap": "deviceIndependentSize fromImageInPlace",
        "QImage": "colorTransformed convertedTo deviceIndependentSize flip flipped mirror rgbSwap setColorTable",
        "QPainter": "drawPointsNp",
        "QColor": "fromString getHsv getHsvF getRgb getRgbF isValidColorName toTuple",
        "QFont": "featureTags featureValue isFeatureSet setFeature setLegacyWeight legacyWeight unsetFeature",
        "QFontMetrics": "boundingRectChar horizontalAdvanceChar",
        "QSize": "toSizeF toTuple",
        "QPoint": "toPointF toTuple",
        "QPointF": "toTuple",
        "QRect": "getCoords getRect span toRectF",
        "QFileInfo": "fileTime isAlias isOther junctionTarget readSymLink stat",
        "QByteArray": "assign erase first isValidUtf8 last percentDecoded removeAt removeFirst removeLast slice sliced "
        "toLong toLongLong toShort toStdString toUInt toULong toULongLong",
        "QPalette": "accent",
        "QEvent": "clone isInputEvent isPointerEvent isSinglePointEvent",
        "QWheelEvent": "hasPixelDelta isBeginEvent isEndEvent isUpdateEvent",
        "QTextCursor": "insertMarkdown selectedTableCells",
        "QDateTime": "addDuration timeRepresentation toPython",
    }.items()
}

SIGNALS: dict[str, frozenset[str]] = {
    "QCheckBox": frozenset({"checkStateChanged"}),
    "QAction": frozenset({"checkableChanged", "enabledChanged", "visibleChanged"}),
}


def isNewer(qtClass: type, name: str) -> bool:
    """Whether a member of a class is one that Qt 5.15 or its PythonQt has not."""
    return any(name in METHODS.get(base.__name__, ()) or name in SIGNALS.get(base.__name__, ()) for base in qtClass.__mro__)
