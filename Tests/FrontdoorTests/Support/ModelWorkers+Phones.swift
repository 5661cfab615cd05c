import Identity
import Sylkrtc
import TestSupport

@testable import Frontdoor

/// Registrations and calls of model workers.
extension ModelWorkers {
    struct Phone {
        let place: Int
        let kind: Kind
        var isEnded = false
        /// What becomes of it is told at once.
        var isInSync = true

        enum Kind: Equatable {
            case registration(AddressOfRecord, ToldRegistration.Stage)
            /// - Parameter registration: of a call that came in.
            case call(registration: RequestSequence?, ToldCall.Stage, isAnswered: Bool)
        }

        func with(_ kind: Kind) -> Phone { Phone(place: place, kind: kind, isEnded: isEnded, isInSync: isInSync) }
    }

    mutating func handlePhone(
        _ sequence: RequestSequence, _ request: WorkerRequest, at place: Int, using generator: inout SeededGenerator
    ) -> WorkerAnswer {
        let luck = Int.random(in: 0..<12, using: &generator)
        switch request {
        case .register(let register):
            if let registration = register.registration {
                guard let phone = phones[registration], !phone.isEnded else { return .unknownSession }
                phones[registration] = phone.with(.registration(register.identity.account, .nothing))
            } else {
                guard luck > 1 else { return refuse(sequence, luck, at: place) }
                phones[sequence] = Phone(place: place, kind: .registration(register.identity.account, .nothing))
            }
        case .unregister(let registration):
            guard phones[registration]?.isEnded == false else { return .unknownSession }
            for number in phones.keys.sorted() {
                guard case .call(registration, .nothing, false)? = phones[number]?.kind else { continue }
                endCall(number)
            }
            phones[registration]?.isEnded = true
        case .call:
            guard luck > 1 else { return refuse(sequence, luck, at: place) }
            phones[sequence] = Phone(place: place, kind: .call(registration: nil, .nothing, isAnswered: false))
        case .accept(let call, _):
            guard let phone = phones[call], !phone.isEnded, case .call(let registration?, .nothing, false) = phone.kind
            else { return .unknownSession }
            phones[call] = phone.with(.call(registration: registration, .nothing, isAnswered: true))
        case .join, .feedAttach, .feedAnswer, .feedDetach, .trickle, .update, .terminate, .configureRoom,
            .releaseAccount, .invite:
            return .unknownSession
        }
        return .ack
    }

    private mutating func refuse(_ sequence: RequestSequence, _ luck: Int, at place: Int) -> WorkerAnswer {
        luck == 0 && turnedAway.insert(sequence).inserted ? .notOwner(slot(place)) : .error("DNS lookup error: none")
    }

    mutating func endCall(_ call: RequestSequence) {
        guard let phone = phones[call], !phone.isEnded, case .call(let registration, _, let isAnswered) = phone.kind
        else { return }
        let isMissed = registration != nil && !isAnswered
        phones[call] = phone.with(.call(registration: registration, .terminated, isAnswered: isAnswered))
        phones[call]?.isEnded = true
        tell(of: call, Self.ended(isMissed))
    }

    mutating func release(_ call: RequestSequence) { phones[call]?.isEnded = true }

    /// A new link's list does not name it: it is over. A call whose coming nobody has heard of is told of with its registration.
    mutating func notListed(_ number: RequestSequence) {
        guard case .call(let registration?, .nothing, false)? = phones[number]?.kind, phones[number]?.isEnded == false,
            phones[registration]?.isEnded == false
        else {
            phones[number]?.isEnded = true
            return
        }
    }

    // MARK: What happens in Janus

    mutating func evolvePhones(using generator: inout SeededGenerator) {
        let living = phones.keys.sorted().filter { phones[$0]?.isEnded == false }
        guard let number = living.randomElement(using: &generator), let phone = phones[number] else { return }
        let luck = Int.random(in: 0..<20, using: &generator)
        switch phone.kind {
        case .registration(let account, let stage):
            switch (luck, stage) {
            case (0, _) where stage != .nothing:
                phones[number]?.isEnded = true
                tell(of: number, .registrationLost)
            case (1..<6, .registered) where phone.isInSync && isUp[phone.place] == true: ring(number, at: phone.place)
            case (6, .registered) where phone.isInSync && isUp[phone.place] == true:
                outbox[phone.place, default: []].append(.event(base: number, .missedCall(.bob)))
            default:
                let next: ToldRegistration.Stage =
                    switch stage {
                    case .nothing: .registering
                    case .registering, .failed: luck < 15 ? .registered : .failed
                    case .registered: luck < 18 ? .registered : .failed
                    }
                guard next != stage else { return }
                phones[number] = phone.with(.registration(account, next))
                tell(of: number, .registration(Self.state(next)))
            }
        case .call(let registration, let stage, let isAnswered):
            if luck < 2 { return endCall(number) }
            let isRinging = registration != nil && stage == .nothing
            guard !isRinging || isAnswered, let next = Self.next(after: stage, isIncoming: registration != nil) else {
                return
            }
            phones[number] = phone.with(.call(registration: registration, next, isAnswered: isAnswered))
            if let state = Self.state(next, isIncoming: registration != nil) { tell(of: number, .call(state)) }
        }
    }

    private mutating func ring(_ registration: RequestSequence, at place: Int) {
        lastCall += 1
        phones[request(lastCall)] = Phone(
            place: place, kind: .call(registration: registration, .nothing, isAnswered: false))
        outbox[place, default: []].append(
            .event(base: registration, .ringing(lastCall, "in-\(lastCall - firstCall)")))
    }

    private static func next(after stage: ToldCall.Stage, isIncoming: Bool) -> ToldCall.Stage? {
        switch stage {
        case .nothing: isIncoming ? .accepted : .progress
        case .progress: .accepted
        case .accepted: .established
        case .established, .terminated: nil
        }
    }

    private static func state(_ stage: ToldCall.Stage, isIncoming: Bool) -> CallState? {
        switch stage {
        case .progress: .progress
        case .accepted: .accepted(answer: isIncoming ? nil : sdp("answer"))
        case .established: .established
        case .nothing, .terminated: nil
        }
    }

    private static func state(_ stage: ToldRegistration.Stage) -> RegistrationState {
        switch stage {
        case .nothing, .registering: .registering
        case .registered: .registered
        case .failed: .failed(reason: "403 Forbidden")
        }
    }

    private static func ended(_ isMissed: Bool) -> WorkerEvent {
        .call(.terminated(reason: isMissed ? "487 Request Terminated" : "200 OK", missed: isMissed ? .bob : nil))
    }

    // MARK: Telling

    private mutating func tell(of number: RequestSequence, _ event: WorkerEvent) {
        guard let phone = phones[number], phone.isInSync, isUp[phone.place] == true else { return }
        outbox[phone.place, default: []].append(.event(base: number, event))
    }

    mutating func tellDifference(_ number: RequestSequence, _ actual: Phone, _ told: Told) {
        var events: [WorkerEvent] = []
        switch (actual.kind, told) {
        case (.registration(_, let stage), .registration(let told)):
            if actual.isEnded {
                events.append(.registrationLost)
            } else if stage != told.stage, stage != .nothing {
                if told.stage == .nothing, stage != .registering { events.append(.registration(.registering)) }
                events.append(.registration(Self.state(stage)))
            }
        case (.call(let registration, let stage, let isAnswered), .call(let its, let told)):
            if registration != its { problems.append("\(number) came over \(its.map { "\($0)" } ?? "nothing")") }
            for next in ToldCall.Stage.allCases where next > told.stage && next <= stage {
                let isPossible = next != .progress || registration == nil
                // What has ended was never heard to be up.
                guard isPossible, stage != .terminated, let state = Self.state(next, isIncoming: registration != nil)
                else { continue }
                events.append(.call(state))
            }
            if stage == .terminated { events.append(Self.ended(registration != nil && !isAnswered)) }
        default: problems.append("\(told) of \(number)")
        }
        outbox[actual.place, default: []] += events.map { .event(base: number, $0) }
        for call in phones.keys.sorted() where unsynced[call] == nil && phones[call]?.isInSync == false {
            guard case .call(number, .nothing, false)? = phones[call]?.kind, phones[call]?.isEnded == false else {
                continue
            }
            phones[call]?.isInSync = true
            phones[call]?.isEnded = actual.isEnded
            guard !actual.isEnded else { continue }
            outbox[actual.place, default: []].append(
                .event(base: number, .ringing(call.rawValue, "in-\(call.rawValue - firstCall)")))
        }
    }
}

extension WorkerRequest {
    /// That is registered again.
    var registration: RequestSequence? {
        if case .register(let register) = self { register.registration } else { nil }
    }
}
