"""A sentence for each face: what its attributes say, so that a prompt can be scored against the truth."""

from course_lib.data.faces import ATTRIBUTES, FaceAttributes

_MOUTH = {value: value for value in ATTRIBUTES["mouth"]} | {"smile": "smiling", "grin": "grinning"}
_HAIR = {
    "short": "short {} hair",
    "bob": "a {} bob",
    "long": "long {} hair",
    "curly": "curly {} hair",
    "pigtails": "{} pigtails",
}
_GLASSES = {"none": "", "round": "round glasses", "square": "square glasses", "sunglasses": "sunglasses"}
_HAT = {
    "none": "",
    "cap": "a blue cap",
    "beanie": "a red beanie",
    "straw hat": "a straw hat",
    "crown": "a golden crown",
}


def caption(attributes: FaceAttributes, i: int) -> str:
    """Such as: a smiling person with light skin, long red hair and a blue cap on a green background."""
    is_ = {name: values[int(attributes[name][i])] for name, values in ATTRIBUTES.items()}
    hair = _HAIR[is_["hair_style"]].format(is_["hair_colour"])
    parts = [f"{is_['skin']} skin", hair, _GLASSES[is_["glasses"]], _HAT[is_["hat"]]]
    *first, last = [part for part in parts if part]
    person = f"a {_MOUTH[is_['mouth']]} person"
    return f"{person} with {', '.join(first)} and {last} on a {is_['background']} background"


def captions(attributes: FaceAttributes) -> list[str]:
    """One caption for each face."""
    return [caption(attributes, i) for i in range(len(attributes["mouth"]))]
